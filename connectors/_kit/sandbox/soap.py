"""A simulated party that speaks SOAP: it gives out its WSDL, takes what is signed and valid, and writes envelopes.

Written and read by hand: nothing here knows how a client's library does it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, request
from lxml import etree

from connectors._kit.sandbox import signature_holds

XML = "text/xml; charset=utf-8"


@dataclass(frozen=True)
class Service:
    """What one party publishes; the XSD lies beside the WSDL. ``invalid`` is the fault of what is no valid message."""

    wsdl: Path
    namespace: str
    secret: str
    invalid: str

    def app(self, path: str, answer: Callable[[etree._Element], Response]) -> Flask:
        """The party's web application; ``answer`` gets the element inside a body that is signed and valid."""
        app = Flask(__name__)
        schema = etree.XMLSchema(etree.parse(str(self.wsdl.with_suffix(".xsd"))))

        @app.get(path)
        def wsdl() -> Response:
            return Response(self.wsdl.read_bytes(), content_type=XML)

        @app.post(path)
        def take() -> Response:
            if not signature_holds(self.secret, request, request.script_root + request.path):
                return Response("signature does not hold", 401)
            asked = _body(request.get_data())
            # Validated as a document of its own: a schema does not look inside an envelope.
            if asked is None or not schema.validate(etree.fromstring(etree.tostring(asked, with_tail=False))):
                return self.fault(self.invalid)
            return answer(asked)

        return app

    def text(self, element: etree._Element, name: str) -> str:
        """The text of the child called ``name``; empty where there is none."""
        return element.findtext(f"{{{self.namespace}}}{name}", "")

    def write(self, name: str, inner: str) -> Response:
        """An answer: the element ``name`` around ``inner``, which is XML already."""
        return _envelope(f'<{name} xmlns="{self.namespace}">{inner}</{name}>')

    def fault(self, code: str) -> Response:
        """A refusal with the party's own code."""
        fault = (
            "<soap:Fault><faultcode>soap:Client</faultcode><faultstring>refused</faultstring><detail>"
            f'<ServiceFault xmlns="{self.namespace}"><Code>{code}</Code></ServiceFault></detail></soap:Fault>'
        )
        return _envelope(fault, 500)


def _body(content: bytes) -> etree._Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return None
    bodies = root.findall("{http://schemas.xmlsoap.org/soap/envelope/}Body/*")
    return bodies[0] if len(bodies) == 1 else None


def _envelope(inner: str, status: int = 200) -> Response:
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{inner}</soap:Body></soap:Envelope>'
    )
    return Response(text.encode(), status, content_type=XML)
