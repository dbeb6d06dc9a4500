"""A simulated civil affairs office: SOAP by the fixed WSDL, written and read by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from flask import Response, request
from lxml import etree

from connectors._kit.sandbox import COMMON, Refusal, State, serve, soap

SECRET = "demo-civil-key"  # noqa: S105 - known to everybody, of the simulator only
WSDL = Path(__file__).parent / "wire" / "civil.wsdl"
SERVICE = soap.Service(WSDL, "urn:anju-demo:civil:1", SECRET, invalid="900")
COVERAGE = "1995-01-01"
SCENARIOS = {**COMMON, "empty": "没有登记记录"}
# ID number → (kind, day, certificate, office, spouse, spouse's number).
MARRIAGES: dict[str, list[tuple[str, str, str, str, str, str]]] = {
    "330106198803121014": [
        ("JH", "2013-05-20", "J330106-2013-001877", "安居市西湖区民政局", "周雨桐", "330106199007251023")
    ],
    "330106199007251023": [
        ("JH", "2013-05-20", "J330106-2013-001877", "安居市西湖区民政局", "林秋实", "330106198803121014")
    ],
    "330106197906301152": [
        ("JH", "2008-08-08", "J330106-2008-003120", "安居市西湖区民政局", "许静怡", "330106198109051183"),
        ("BZ", "2019-03-04", "BJ330106-2019-000412", "安居市西湖区民政局", "许静怡", "330106198109051183"),
    ],
    "330106198604161136": [
        ("JH", "2012-10-10", "J330106-2012-004410", "安居市西湖区民政局", "何青青", "330106198705051226"),
        ("LH", "2021-06-01", "L330106-2021-000733", "安居市西湖区民政局", "何青青", "330106198705051226"),
    ],
}
# ID number → (aid, from, until, people, office).
AIDS: dict[str, list[tuple[str, str, str | None, int, str]]] = {
    "330106196511091117": [
        ("DB", "2019-01-01", "2023-12-31", 1, "安居市西湖区民政局"),
        ("DSR", "2024-01-01", None, 1, "安居市西湖区民政局"),
    ],
}
CREMATIONS = {"440802194807201257": ("2024-11-02", "湛江市殡仪馆")}


def create(state: State) -> Callable[..., Any]:
    """The party's web application."""

    def answer(asked: etree._Element) -> Response:
        operation = etree.QName(asked).localname.removesuffix("Request")
        key, number, name = (SERVICE.text(asked, part) for part in ("RequestId", "IdNumber", "Name"))

        def work(scenario: str) -> dict[str, Any]:
            if scenario == "business_error":
                raise Refusal(fault="101")
            person = state.people.get(number, {})
            known = scenario != "empty" and person.get("registered_name", person.get("name")) == name
            return {"name": f"{operation}Response", "key": key, "inner": _WORK[operation](number if known else "")}

        return serve(state, request, "civil", operation.lower(), number, work, _write)

    return SERVICE.app("/query", answer)


def _marriage(number: str) -> str:
    names = ("Kind", "Date", "CertNumber", "Office", "SpouseName", "SpouseIdNumber")
    records = "".join(f"<Record>{_fields(names, one)}</Record>" for one in MARRIAGES.get(number, []))
    return f"<Coverage>{COVERAGE}</Coverage>{records}"


def _hardship(number: str) -> str:
    names = ("Aid", "From", "Until", "People", "Office")
    return "".join(f"<Benefit>{_fields(names, one)}</Benefit>" for one in AIDS.get(number, []))


def _cremation(number: str) -> str:
    return _fields(("CrematedOn", "Office"), CREMATIONS.get(number, ()))


_WORK: dict[str, Callable[[str], str]] = {"Marriage": _marriage, "Hardship": _hardship, "Cremation": _cremation}


def _fields(names: tuple[str, ...], values: Any) -> str:
    pairs = zip(names, values, strict=False)
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in pairs if value is not None)


def _write(content: Mapping[str, Any], scenario: str) -> Response:
    if "fault" in content:
        return SERVICE.fault(content["fault"])
    body = f"<RequestId>{escape(content['key'])}</RequestId>{content['inner']}"
    if scenario == "changed_schema":
        body = body.replace("RequestId>", "RequestNo>")
    return SERVICE.write(content["name"], body)
