"""Anybody checks a paper: by its check code, or by the file itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.core import ids, operations
from engine.core.db import reading
from engine.core.errors import OutsideFault
from engine.core.operations import Answer, Call
from engine.queries import verify
from engine.queries.verify import PaperView

log = logging.getLogger("anju.verify")
pages = Blueprint("verify", __name__)

PDF = b"%PDF-"
BAD_CODE = "核验码为 12 位字母和数字，写作 ABCD-EFGH-JKMN，请对照文书核对"


@dataclass(frozen=True)
class Verdict:
    """What a file is.

    ``kind``: genuine; altered (changed after the seal); other (genuine, but not the paper of the code); mismatch (not
    the paper of the code); unknown.
    """

    kind: str
    paper: PaperView | None = None
    signer: str = ""
    signed_at: str = ""
    seal_checked: bool = True


@pages.get("/verify")
def start() -> Response | str | tuple[str, int]:
    """Type the code, or choose the file."""
    typed = request.args.get("code", "").strip()
    if not typed:
        return _start()
    code = verify.normal_code(typed)
    return redirect(url_for("verify.by_code", code=code)) if code else (_start(typed, BAD_CODE), 422)


@pages.get("/verify/<code>")
def by_code(code: str) -> str | tuple[str, int]:
    """What the paper with this code is; where a QR code leads."""
    paper = _find(code)
    if paper is None:
        return render_template("verify/unknown_code.html", code=code[:40]), 404
    return render_template("verify/paper.html", paper=paper, file_error="")


@pages.post("/verify")
def by_file() -> str | tuple[str, int]:
    """Compare the chosen file with what was issued, and check its seal."""
    content = _content()
    expected = _find(request.form.get("code", ""))
    if not content.startswith(PDF):
        wrong = (
            "请选择文书的 PDF 文件" if not content else "这不是 PDF 文件；请选择下载的文书原件，照片和扫描件无法核验"
        )
        page = render_template("verify/paper.html", paper=expected, file_error=wrong) if expected else None
        return page or _start(file_error=wrong), 422
    return render_template("verify/file.html", verdict=judge(content, expected), expected=expected)


def judge(content: bytes, expected: PaperView | None) -> Verdict:
    """Issued by us exactly so, or altered, or not ours."""
    with reading() as session:
        paper = verify.by_content(session, content)
    seal = _seal(content)
    signer, signed_at = str(seal.get("signer") or ""), str(seal.get("signed_at") or "")
    kind = "unknown"
    if paper is not None:
        kind = "genuine" if expected is None or expected == paper else "other"
    elif signer and not seal.get("intact"):
        kind = "altered"
    elif expected is not None:
        kind = "mismatch"
    return Verdict(kind, paper, signer if seal.get("valid") else "", signed_at, bool(seal))


def _content() -> bytes:
    """The chosen file; a large one lies in a temporary file that must not stay open."""
    given = request.files.get("file")
    if given is None:
        return b""
    with closing(given):
        return given.read()


def _seal(content: bytes) -> Mapping[str, Any]:
    """What ``seal.verify`` says; nothing where it cannot be asked."""
    check = operations.find("seal.verify")
    call = Call(
        case_id=0,
        case_number="",
        item="",
        office_id=0,
        token="",
        element_id="",
        idempotency_key=f"verify-{ids.new()}",
        inputs=check.load_inputs({"content": content}, {}),
    )
    try:
        answer = check.run(call)
    except OutsideFault as error:
        log.warning("seal not checked", extra={"code": error.code})
        return {}
    return answer.variables if isinstance(answer, Answer) else {}


def _find(text: str) -> PaperView | None:
    code = verify.normal_code(text)
    if code is None:
        return None
    with reading() as session:
        return verify.by_code(session, code)


def _start(typed: str = "", error: str = "", file_error: str = "") -> str:
    return render_template("verify/start.html", typed=typed, error=error, file_error=file_error)
