"""SOAP 1.1 with a WSDL that lies in our own folder: zeep writes and reads the XML, ``http.post`` carries it.

Every answer is checked against the XSD before anybody looks at it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree
from zeep import Client, Settings
from zeep.helpers import serialize_object

from connectors._kit.http import Exchange, Headers, post
from connectors._kit.settings import PartySettings
from engine.core.errors import OutsideFault, Unreachable

ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"


class SoapFault(Exception):
    """The party answered with a fault. ``code`` is the text of the first element named ``Code`` in its detail."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Contract:
    """A WSDL with its XSD. zeep shares state between threads while it reads, hence the lock."""

    client: Client
    schema: etree.XMLSchema
    lock: threading.Lock


@lru_cache
def contract(wsdl: Path, xsd: Path) -> Contract:
    """Parse both files once per process."""
    options = Settings(strict=True, forbid_dtd=True, forbid_entities=True, xml_huge_tree=False)
    schema = etree.XMLSchema(etree.parse(str(xsd), safe_parser()))
    return Contract(Client(str(wsdl), settings=options), schema, threading.Lock())


def safe_parser() -> etree.XMLParser:
    """A parser that resolves no entity, reads no DTD and asks nobody on the network."""
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)


def parse_xml(settings: PartySettings, content: bytes) -> etree._Element:
    """The root element. Raises ``Unreachable`` (``unexpected_answer``) where it is no XML or carries a doctype."""
    try:
        root = etree.fromstring(content, safe_parser())
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        raise Unreachable(f"「{settings.title}」的应答不是约定的格式", code="unexpected_answer") from None
    return root


def call(
    settings: PartySettings,
    agreed: Contract,
    url: str,
    operation: str,
    fields: dict[str, Any],
    *,
    key: str,
    headers: Callable[[bytes], Headers],
) -> tuple[dict[str, Any], Exchange]:
    """Call ``operation`` and return the answer's fields.

    Raises ``Unreachable``, ``OutsideFault`` (``unexpected_answer``, ``unauthorised``) and ``SoapFault``.
    """
    with agreed.lock:
        message = agreed.client.create_message(agreed.client.service, operation, **fields)
        action = next(iter(agreed.client.wsdl.bindings.values())).get(operation).soapaction
    body = etree.tostring(message, xml_declaration=True, encoding="utf-8")
    fixed = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"', "X-Request-Id": key}
    exchange = post(settings, url, body, {**fixed, **headers(body)})
    if exchange.status in (401, 403):
        raise OutsideFault(f"「{settings.title}」不认可我方的凭据，请管理员核对密钥", code="unauthorised")
    if exchange.status == 500 and b"Fault" not in exchange.response:
        raise Unreachable(f"「{settings.title}」内部出错（500）")
    root = parse_xml(settings, exchange.response)
    content = root.find(f"{ENVELOPE}Body")
    if root.tag != f"{ENVELOPE}Envelope" or content is None or len(content) != 1:
        raise _unexpected(settings)
    if content[0].tag == f"{ENVELOPE}Fault":
        raise _fault(settings, content[0])
    return read_element(settings, agreed, content[0], f"{operation}Response"), exchange


def read_element(settings: PartySettings, agreed: Contract, element: etree._Element, name: str) -> dict[str, Any]:
    """The fields of an element called ``name`` that holds against the XSD. Raises ``OutsideFault``."""
    # Validated as a document of its own: a schema does not look inside an envelope.
    alone = etree.fromstring(etree.tostring(element, with_tail=False), safe_parser())
    if etree.QName(alone).localname != name or not agreed.schema.validate(alone):
        raise _unexpected(settings)
    with agreed.lock:
        kind = agreed.client.get_element(alone.tag)
        found = kind.parse(alone, agreed.client.wsdl.types)
    return dict(serialize_object(found, dict))


def _fault(settings: PartySettings, fault: etree._Element) -> Exception:
    codes = [child for child in fault.iter() if isinstance(child.tag, str) and etree.QName(child).localname == "Code"]
    if codes and codes[0].text:
        return SoapFault(codes[0].text.strip())
    return Unreachable(f"「{settings.title}」报告内部错误")


def _unexpected(settings: PartySettings) -> OutsideFault:
    return OutsideFault(f"「{settings.title}」的应答不合接口约定，请核对接口版本", code="unexpected_answer")
