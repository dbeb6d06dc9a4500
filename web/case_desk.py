"""What one does on the page of a case: see identity data, talk, add materials, also by phone, take the file along."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, flash, g, make_response, redirect, render_template, request, url_for
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from engine.commands import dispatch
from engine.commands.approval.words import AddComment
from engine.commands.case_file import AddMaterial, AskForBundle, HandInByPhone, LinkPhone, RevealIdentity
from engine.core.db import reading
from engine.core.errors import NotFound, Refused
from engine.files import uploads
from engine.files.documents import qr_svg
from engine.files.uploads import Upload
from engine.queries import case_desk, files, reveals
from engine.queries.common import find_case
from web.security import staff
from web.staff_context import parts

pages = Blueprint("case_desk", __name__)


@pages.post("/cases/<int:case_id>/reveal")
@staff()
def reveal(case_id: int) -> AnyResponse:
    """See identity data in clear for a minute; the reason is kept."""
    dispatch(RevealIdentity(case_id, request.form.get("reason", "")), g.actor)
    return _back(case_id, "identity")


@pages.get("/cases/<int:case_id>/identity")
@staff()
def identity(case_id: int) -> str:
    """The card with what a look shows, or with the question for a reason once it is over."""
    with reading() as session:
        find_case(session, g.actor, case_id)
        found = reveals.clear(session, g.actor, case_id)
    return render_template("case/_identity.html", case_id=case_id, clear=found)


@pages.get("/reveals")
@staff("supervisor")
def looks() -> str:
    """Who saw whose identity data, and why."""
    before = request.args.get("before", "")
    with reading() as session:
        found = reveals.of_offices(session, g.actor, int(before) if before.isdecimal() else None)
    return render_template("case/looks.html", found=found, page=reveals.PAGE)


@pages.post("/cases/<int:case_id>/comments")
@staff()
def comment(case_id: int) -> AnyResponse:
    """Say something to colleagues; «@姓名» reaches them."""
    dispatch(AddComment(case_id, request.form.get("text", "")), g.actor)
    flash("已发送", "success")
    return _back(case_id, "part-talk")


@pages.post("/cases/<int:case_id>/materials/<code>")
@staff()
def add(case_id: int, code: str) -> AnyResponse:
    """Add files to a material, or a newer version of one."""
    dispatch(AddMaterial(case_id, code, _taken(), _replaces()), g.actor)
    flash("材料已补充", "success")
    return _back(case_id, "part-materials")


@pages.post("/cases/<int:case_id>/materials/<code>/phone")
@staff()
def link_phone(case_id: int, code: str) -> AnyResponse:
    """A QR code for the phone."""
    link_id = dispatch(LinkPhone(case_id, code, _replaces()), g.actor)
    return redirect(url_for("case_desk.phone", case_id=case_id, link_id=link_id), 303)


@pages.get("/cases/<int:case_id>/phone/<int:link_id>")
@staff()
def phone(case_id: int, link_id: int) -> str:
    """The QR code, and below it what came from the phone, as it comes."""
    with reading() as session:
        found = case_desk.link(session, g.actor, case_id, link_id)
    if request.headers.get("HX-Request"):
        return render_template("case/_phone_state.html", link=found)
    return render_template("case/phone.html", link=found, address=_address(link_id))


@pages.get("/cases/<int:case_id>/phone/<int:link_id>/qr.svg")
@staff()
def phone_code(case_id: int, link_id: int) -> Response:
    """The address as a picture."""
    with reading() as session:
        case_desk.link(session, g.actor, case_id, link_id)
    response = make_response(qr_svg(_address(link_id)))
    response.headers["Content-Type"] = "image/svg+xml"
    return response


@pages.get("/hand-in/<token>")
def hand_in(token: str) -> str:
    """What the phone opens: no log-in, one material, once."""
    with reading() as session:
        link, _ = case_desk.link_for_phone(session, _link_id(token))
    return render_template("case/hand_in.html", link=link, token=token)


@pages.post("/hand-in/<token>")
def handed_in(token: str) -> str:
    """What the phone sent."""
    link_id = _link_id(token)
    with reading() as session:
        link, actor = case_desk.link_for_phone(session, link_id)
    came = dispatch(HandInByPhone(link_id, _taken()), actor)
    return render_template("case/handed_in.html", link=link, count=len(came))


@pages.post("/cases/<int:case_id>/zip")
@staff()
def ask_for_zip(case_id: int) -> AnyResponse:
    """Have the whole case made into one file."""
    dispatch(AskForBundle(case_id), g.actor)
    return _back(case_id, "part-zip")


@pages.get("/cases/<int:case_id>/zip")
@staff()
def zip_state(case_id: int) -> str:
    """How far it is."""
    with reading() as session:
        found = case_desk.newest_zip(session, g.actor, case_id)
    return render_template("case/_zip.html", case_id=case_id, zip=found)


@pages.get("/cases/<int:case_id>/file.zip")
@staff()
def zip_file(case_id: int) -> Response:
    """The zip of whoever asked for it."""
    with reading() as session:
        case = find_case(session, g.actor, case_id)
        found = case_desk.newest_zip(session, g.actor, case_id)
    if found is None or found.state != "ready":
        raise NotFound("整卷文件还没有生成，或已过保存期，请重新导出")
    response = make_response(parts().store.get(found.sha))
    response.headers["Content-Type"] = "application/zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{case.number}.zip"'
    return response


@pages.get("/files/<int:file_id>/view")
@staff()
def view(file_id: int) -> str:
    """A file with zoom and rotation."""
    with reading() as session:
        files.attachment(session, g.actor, file_id)
        found = case_desk.viewed(session, g.actor, file_id)
    return render_template("case/view.html", file=found)


def _back(case_id: int, part: str) -> AnyResponse:
    return redirect(url_for("case.show", case_id=case_id) + f"#{part}", 303)


def _replaces() -> int | None:
    text = request.form.get("replaces", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _taken() -> tuple[tuple[str, Upload], ...]:
    """The files of the request, judged and stored. Raises ``Refused``."""
    given = [one for one in request.files.getlist("file") if one.filename]
    if not given:
        raise Refused("没有收到文件，请重新选择", code="file_missing")
    return tuple(_one(file) for file in given)


def _one(given: FileStorage) -> tuple[str, Upload]:
    with given.stream:
        content = given.read()
    found = uploads.inspect(content, given.filename or "")
    return parts().store.put(content), found


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="phone-link")


def _address(link_id: int) -> str:
    path = url_for("case_desk.hand_in", token=_signer().dumps(link_id))
    return parts().config.public_url.rstrip("/") + path


def _link_id(token: str) -> int:
    try:
        return int(_signer().loads(token))
    except (BadSignature, TypeError, ValueError) as error:
        raise NotFound("链接无效，请在电脑上重新生成二维码") from error
