"""The wire of social insurance: JSON over HTTP in pages, request and answer signed. Alone in knowing its names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields, validate

from connectors._kit import settings
from connectors._kit.answers import read, signed_by, unexpected
from connectors._kit.http import Exchange, post_json
from connectors._kit.signatures import signed
from engine.core.errors import Declined

OK, NO_PERSON = "0000", "1001"
REFUSALS = {
    "2001": ("social_no_authority", "人社接口未授权本事项查询，请联系数据共享管理员"),
    "2002": ("social_no_consent", "人社接口不认可本人同意的凭证，请重新取得申请人的授权"),
}
KINDS = {"110": "企业职工养老保险", "120": "机关事业养老保险", "170": "城乡居民养老保险"}
RESTING = "2"
STATES = {"1": "正常参保", RESTING: "暂停", "3": "终止", "4": "补缴"}
# Nobody works for so many units that more pages would be true.
MOST_PAGES = 20

_MONTH = validate.Regexp(r"^\d{4}(0[1-9]|1[0-2])$")


class _Period(Schema):
    """Months are ``yyyymm`` on the wire."""

    unit = fields.String(required=True, data_key="aab004")
    place = fields.String(required=True, data_key="aab301")
    kind = fields.String(required=True, data_key="aae140", validate=validate.OneOf(list(KINDS)))
    first = fields.String(required=True, data_key="aae041", validate=_MONTH)
    last = fields.String(required=True, data_key="aae042", validate=_MONTH)
    base_yuan = fields.Decimal(required=True, data_key="aic020", places=2)
    state = fields.String(required=True, data_key="aac031", validate=validate.OneOf(list(STATES)))


class _Title(Schema):
    name = fields.String(required=True, data_key="zsmc")
    level = fields.String(required=True, data_key="zsdj")
    number = fields.String(required=True, data_key="zsbh")
    issued_on = fields.Date(required=True, data_key="fzrq", format="%Y%m%d")


class _Page(Schema):
    number = fields.Integer(required=True, data_key="pageNo")
    pages = fields.Integer(required=True, data_key="pageCount", validate=validate.Range(0, MOST_PAGES))


class _InsuredPage(_Page):
    known_until = fields.String(required=True, data_key="dataMonth", validate=_MONTH)
    rows = fields.List(fields.Nested(_Period), required=True)


class _TitlePage(_Page):
    rows = fields.List(fields.Nested(_Title), required=True)


class _Reply(Schema):
    code = fields.String(required=True, data_key="appcode")
    data = fields.Dict(load_default=None, allow_none=True, data_key="result")


@dataclass(frozen=True)
class Found:
    """All rows of all pages; ``rows`` is None where the person is not held. ``exchanges``: one for each page."""

    rows: list[Mapping[str, Any]] | None
    exchanges: list[Exchange]
    known_until: str = ""


def insured(*, name: str, id_number: str, consent: str, first: str, last: str, key: str) -> Found:
    """Insured periods from month ``first`` to ``last`` (``yyyymm``).

    Raises ``Unreachable``, ``OutsideFault`` and ``Declined``.
    """
    asked = {"aac003": name, "aac002": id_number, "authNo": consent, "beginMonth": first, "endMonth": last}
    return _all_pages("/sbcx/periods", asked, key, _InsuredPage)


def titles(*, name: str, id_number: str, consent: str, key: str) -> Found:
    """Professional titles and certificates. Raises as ``insured``."""
    return _all_pages("/sbcx/titles", {"aac003": name, "aac002": id_number, "authNo": consent}, key, _TitlePage)


def _all_pages(path: str, asked: Mapping[str, Any], key: str, schema: type[Schema]) -> Found:
    party = settings.of("social")
    url, secret = party.url("ANJU_SOCIAL_URL", path), party.secret("ANJU_SOCIAL_SECRET")
    rows: list[Mapping[str, Any]] = []
    exchanges: list[Exchange] = []
    known_until, page, pages = "", 1, 1
    while page <= pages:
        payload = {**asked, "pageNo": page}
        # Each page is a question of its own: the same key would bring the first page again.
        exchange = post_json(
            party, url, payload, key=f"{key}-{page}", headers=lambda body: signed(secret, "POST", url, body)
        )
        signed_by(party, secret, url, exchange)
        exchanges.append(exchange)
        reply = read(_Reply, party, exchange.data)
        if reply["code"] in REFUSALS:
            code, message = REFUSALS[reply["code"]]
            raise Declined(message, code=code)
        if reply["code"] == NO_PERSON and page == 1:
            return Found(None, exchanges)
        if reply["code"] != OK or reply["data"] is None:
            raise unexpected(party)
        got = read(schema, party, reply["data"])
        if got["number"] != page:
            raise unexpected(party)
        rows += got["rows"]
        known_until, pages, page = got.get("known_until", ""), got["pages"], page + 1
    return Found(rows, exchanges, known_until)
