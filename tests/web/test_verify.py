"""Anybody checks a paper by its code or by its file; an altered one is called so."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from engine.cases.documents import Document
from engine.core import operations
from engine.core.db import reading, transaction
from engine.core.errors import Refused
from engine.core.operations import Call
from engine.queries.verify import normal_code
from tests.support.installation import Installation, picture
from tests.web.portal_kit import asked_to_supplement, text_of


@pytest.fixture
def paper(anju: Installation) -> Document:
    """A paper that was issued."""
    case_id, _ = asked_to_supplement(anju)
    with reading() as session:
        return session.scalars(select(Document).where(Document.case_id == case_id)).one()


def send(client: FlaskClient, content: bytes, name: str = "文书.pdf", **fields: str) -> TestResponse:
    data = {"csrf_token": "token", "file": (io.BytesIO(content), name), **fields}
    answer = client.post("/verify", data=data, buffered=True)
    # The test client keeps a large form in a temporary file and leaves it open.
    answer.request.environ["wsgi.input"].close()
    return answer


def altered(content: bytes) -> bytes:
    """One byte in the middle is another one."""
    changed = bytearray(content)
    changed[len(changed) // 3] ^= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("wfap fp46 9cry", "WFAP-FP46-9CRY"),
        ("WFAPFP469CRY", "WFAP-FP46-9CRY"),
        ("WFAP－FP46－9CRY", "WFAP-FP46-9CRY"),
        ("WFAP-FP46-9CR", None),
        ("WFAP-FP46-9CR0", None),
        ("", None),
    ],
)
def test_a_code_is_read_however_it_is_typed(typed: str, stored: str | None) -> None:
    assert normal_code(typed) == stored


def test_a_code_leads_to_the_paper_and_masks_whom_it_concerns(anju: Installation, paper: Document) -> None:
    client = anju.client()
    typed = client.get("/verify", query_string={"code": paper.check_code.lower().replace("-", "")})
    assert typed.location == f"/verify/{paper.check_code}"
    page = client.get(typed.location)
    words = text_of(page)
    for word in ("文书有效", paper.number, "补正通知书", "西湖区住房保障所", "林*实", "2026年3月2日"):
        assert word in words
    assert "林秋实" not in page.get_data(as_text=True)


def test_an_unknown_code_is_called_so_and_a_misspelt_one_is_told_at_the_field(anju: Installation) -> None:
    unknown = anju.client().get("/verify/ABCD-EFGH-JKMN")
    assert unknown.status_code == 404
    assert "查不到这份文书" in text_of(unknown)
    misspelt = anju.client().get("/verify?code=12")
    assert misspelt.status_code == 422
    assert 'value="12"' in misspelt.get_data(as_text=True)


def test_a_paper_that_was_not_issued_yet_is_unknown(anju: Installation, paper: Document) -> None:
    with transaction() as session:
        session.execute(update(Document).where(Document.id == paper.id).values(state="rendered"))
    content = anju.parts.store.get(paper.file_sha)
    assert anju.client().get(f"/verify/{paper.check_code}").status_code == 404
    assert "是原件" not in text_of(send(anju.client(), content))


def test_the_issued_file_is_genuine_by_hash_and_by_seal(anju: Installation, paper: Document) -> None:
    content = anju.parts.store.get(paper.file_sha)
    for fields in ({}, {"code": paper.check_code}):
        words = text_of(send(anju.client(), content, **fields))
        assert "是原件，没有改动" in words
        assert "与发出文件比对 一致 通过" in words
        assert "（演示专用） 有效" in words
        assert paper.number in words


def test_one_changed_byte_is_found(anju: Installation, paper: Document) -> None:
    content = anju.parts.store.get(paper.file_sha)
    words = text_of(send(anju.client(), altered(content)))
    assert "文件被改动过" in words
    assert "没有有效签章 未通过" in words


def test_another_file_beside_a_code_is_not_that_paper(anju: Installation, paper: Document) -> None:
    words = text_of(send(anju.client(), b"%PDF-1.7\n of somebody else", code=paper.check_code))
    assert "不是这份文书的原件" in words
    assert paper.number in words


def test_a_pdf_of_somebody_else_cannot_be_called_ours(anju: Installation) -> None:
    assert "不能认定为本系统文书" in text_of(send(anju.client(), b"%PDF-1.7\n of somebody else"))


@pytest.mark.parametrize("content", [b"", picture()], ids=["nothing", "a picture"])
def test_what_is_no_pdf_is_told_at_the_field(anju: Installation, paper: Document, content: bytes) -> None:
    for fields in ({}, {"code": paper.check_code}):
        answer = send(anju.client(), content, **fields)
        assert answer.status_code == 422
        assert "PDF" in answer.get_data(as_text=True).partition('id="file-error"')[2][:60]


def test_the_seal_of_an_unregistered_copy_is_told_apart(anju: Installation, paper: Document) -> None:
    with transaction() as session:
        session.execute(update(Document).where(Document.id == paper.id).values(file_sha="0" * 64))
    words = text_of(send(anju.client(), anju.parts.store.get(paper.file_sha)))
    assert "不能认定为本系统文书" in words
    assert "签章本身有效" in words


def revoke(anju: Installation, paper: Document, **inputs: str) -> None:
    found = operations.find("document.revoke")
    with transaction() as session:
        call = Call(
            case_id=1,
            case_number="",
            item="",
            office_id=paper.office_id,
            token="",
            element_id="",
            idempotency_key="",
            inputs=found.load_inputs({"document_number": paper.number, **inputs}, {}),
            session=session,
        )
        found.run(call)


@pytest.mark.parametrize(("standing", "word"), [("revoked", "文书已撤销"), ("replaced", "文书已更正")])
def test_a_paper_that_is_no_longer_valid_is_called_so(
    standing: str, word: str, anju: Installation, paper: Document
) -> None:
    content = anju.parts.store.get(paper.file_sha)
    revoke(anju, paper, standing=standing, successor="安居330106〔2026〕99999号")
    page = text_of(anju.client().get(f"/verify/{paper.check_code}"))
    assert word in page
    assert "99999号" in page
    assert "文书有效" not in page
    told = text_of(send(anju.client(), content))
    assert word.removeprefix("文书") in told
    assert "不再有效" in told


def test_a_paper_is_revoked_once_and_only_by_its_own_office(anju: Installation, paper: Document) -> None:
    with pytest.raises(Refused) as wrong:
        revoke(anju, paper, document_number="没有这个文号", standing="revoked")
    assert wrong.value.code == "document_not_issued"
    revoke(anju, paper, standing="revoked")
    with pytest.raises(Refused) as twice:
        revoke(anju, paper, standing="replaced")
    assert twice.value.code == "document_not_standing"
