"""Sealed documents, and everything that is not one."""

from __future__ import annotations

import asyncio
import io
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdf
import pytest
import weasyprint
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from connectors import load_all
from connectors.seal import client, keys
from engine.core import clock
from engine.core.errors import Declined, OutsideFault
from engine.core.operations import Answer, Call, find

from .conftest import World

MOMENT = datetime(2027, 3, 5, 1, 30, tzinfo=UTC)


class Files:
    """Files in memory, for the operation's reading and writing."""

    def __init__(self, content: bytes) -> None:
        self.kept = {"f-1": content}

    def read(self, file_id: str) -> bytes:
        return self.kept[file_id]

    def write(self, content: bytes, *, name: str, media_type: str) -> str:
        assert media_type == "application/pdf"
        self.kept["f-2"] = content
        return "f-2"


@pytest.fixture(scope="session")
def notice() -> bytes:
    pages = "<h1>准予保障资格通知书</h1><p>林秋实：经审核准予。</p><p style='break-before: page'>第二页</p>"
    made = weasyprint.HTML(string=f'<html lang="zh-CN"><body>{pages}</body></html>').write_pdf()
    assert isinstance(made, bytes)
    return made


def seal(content: bytes) -> bytes:
    operation, files = find("seal.sign"), Files(content)
    inputs = operation.load_inputs({"file_id": "f-1", "reason": "准予通知书"}, {})
    answer = operation.run(Call(1, "B-1", "rental", 1, "t", "seal", "key-1", inputs, files=files))
    assert isinstance(answer, Answer)
    assert operation.check_outputs(answer.variables) == {"signed_file_id": "f-2"}
    return files.kept["f-2"]


def verify(content: bytes) -> dict[str, Any]:
    operation = find("seal.verify")
    inputs = operation.load_inputs({"content": content}, {})
    answer = operation.run(Call(0, "", "", 0, "", "", "", inputs))
    assert isinstance(answer, Answer)
    return operation.check_outputs(answer.variables)


def test_a_sealed_document_is_intact_and_says_who_and_when(world: World, notice: bytes) -> None:
    with clock.frozen(MOMENT):
        sealed = seal(notice)
    assert verify(sealed) == {
        "intact": True,
        "valid": True,
        "signer": "安居市住房保障中心（演示专用）",
        "signed_at": "2027-03-05T09:30:00+08:00",
    }


def test_sealing_and_verifying_work_inside_somebody_elses_event_loop(world: World, notice: bytes) -> None:
    async def inside() -> bool:
        return bool(verify(seal(notice))["intact"])

    assert asyncio.run(inside())


def test_another_validator_trusts_it_with_our_root_alone(world: World, notice: bytes) -> None:
    signature = PdfFileReader(io.BytesIO(seal(notice))).embedded_signatures[0]
    root = client.office_key().root
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=[root], allow_fetching=False))
    assert status.bottom_line
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature.sig_object["/Reason"] == "准予通知书"


def test_the_seal_stands_on_the_last_page_at_the_lower_right(world: World, notice: bytes) -> None:
    pages = pypdf.PdfReader(io.BytesIO(seal(notice))).pages
    assert "/Annots" not in pages[0]
    annotation = pages[-1]["/Annots"][0].get_object()
    left, lower, right, upper = (float(value) for value in annotation["/Rect"])
    width, height = float(pages[-1].mediabox.width), float(pages[-1].mediabox.height)
    assert left > width / 2
    assert right < width
    assert upper < height / 3
    assert abs((right - left) - 42 / 25.4 * 72) < 2
    assert abs((upper - lower) - (right - left)) < 2


def test_the_stamp_shows_the_offices_name_and_that_it_is_a_demo(world: World, notice: bytes, tmp_path: Path) -> None:
    load_all({"ANJU_SEAL_DIR": str(tmp_path), "ANJU_SEAL_OFFICE": "赤坎区住房保障事务所"})
    seal(notice)
    drawn = next(tmp_path.glob("stamp-*.pdf"))
    text = pypdf.PdfReader(drawn).pages[0].extract_text()
    assert all(letter in text for letter in "赤坎区住房保障事务所演示专用")


def test_the_text_is_still_there_after_sealing(world: World, notice: bytes) -> None:
    assert "经审核准予" in pypdf.PdfReader(io.BytesIO(seal(notice))).pages[0].extract_text()


@pytest.mark.parametrize("place", [0.1, 0.3, 0.6, 0.95])
def test_one_changed_byte_is_seen(world: World, notice: bytes, place: float) -> None:
    sealed = bytearray(seal(notice))
    sealed[int(len(notice) * place)] ^= 1
    found = verify(bytes(sealed))
    assert not found["intact"]
    assert not found["valid"]


def test_something_added_behind_the_seal_is_seen(world: World, notice: bytes) -> None:
    writer = pypdf.PdfWriter(io.BytesIO(seal(notice)), incremental=True)
    writer.pages[0].rotate(90)
    changed = io.BytesIO()
    writer.write(changed)
    found = verify(changed.getvalue())
    assert (found["intact"], found["valid"]) == (False, False)


def test_a_single_line_behind_the_seal_is_seen(world: World, notice: bytes) -> None:
    assert verify(seal(notice) + b"\n% and one more thing\n")["intact"] is False


def test_the_seal_allows_no_change_afterwards(world: World, notice: bytes) -> None:
    root = pypdf.PdfReader(io.BytesIO(seal(notice))).trailer["/Root"]
    certified = root["/Perms"]["/DocMDP"]["/Reference"][0].get_object()
    assert certified["/TransformParams"]["/P"] == 1


def test_a_document_sealed_by_another_installation_is_not_ours(world: World, notice: bytes, tmp_path: Path) -> None:
    load_all({"ANJU_SEAL_DIR": str(tmp_path / "other")})
    foreign = seal(notice)
    load_all({"ANJU_SEAL_DIR": str(tmp_path / "ours")})
    found = verify(foreign)
    assert (found["intact"], found["valid"]) == (True, False)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"%PDF-1.7\n%%EOF", b"\x00" * 5000], ids=["empty", "text", "half", "zeros"]
)
def test_a_file_that_is_no_sealed_document_is_not_valid(world: World, content: bytes) -> None:
    assert verify(content) == {"intact": False, "valid": False, "signer": "", "signed_at": None}


def test_an_unsealed_document_is_not_valid(world: World, notice: bytes) -> None:
    assert verify(notice)["valid"] is False


def test_what_is_no_pdf_cannot_be_sealed(world: World) -> None:
    with pytest.raises(Declined) as raised:
        seal(b"<html>no</html>")
    assert raised.value.code == "seal_not_pdf"


def test_a_document_is_sealed_once(world: World, notice: bytes) -> None:
    with pytest.raises(Declined) as raised:
        seal(seal(notice))
    assert raised.value.code == "seal_already_signed"


def test_many_at_once_make_one_key_that_nobody_else_may_read(world: World, tmp_path: Path) -> None:
    found: list[bytes] = []

    def load() -> None:
        found.append(keys.load(tmp_path, "某中心").certificate.dump())

    threads = [threading.Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["demo-key"]
    assert (tmp_path / "demo-key/key.pem").stat().st_mode & 0o077 == 0


def test_without_a_folder_the_administrator_is_told_which_setting_is_missing(world: World, notice: bytes) -> None:
    load_all({})
    with pytest.raises(OutsideFault, match="ANJU_SEAL_DIR") as raised:
        seal(notice)
    assert raised.value.code == "not_configured"
