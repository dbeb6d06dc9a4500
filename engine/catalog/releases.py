"""Releases: what the declaring folders said at publish time, by content hash, never changed afterwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from threading import Lock
from typing import Any

from sqlalchemy import LargeBinary, String, UniqueConstraint, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.catalog.embedded import embedded_forms
from engine.catalog.forms import Form, compile_form
from engine.catalog.item import Item, parse_item, undeclared
from engine.core import clock, ids
from engine.core.db import Base, WithId, insert_with_conflict
from engine.core.errors import Fault, ModelFault, NotFound
from engine.core.types import Json

ITEM, DEPLOYMENT = "item", "deployment"


class Blob(Base):
    """The content of one file, once."""

    __tablename__ = "catalog_blob"

    sha: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Release(WithId, Base):
    """One published version of an item, or (``kind`` deployment, item empty) what came over the API in one go.

    ``files`` maps path → sha; ``current`` marks what new cases of an item get. A deployment's version is its id.
    """

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("item", "version"), UniqueConstraint("item", "hash"))

    kind: Mapped[str] = mapped_column(String(12), default="item")
    item: Mapped[str] = mapped_column(String(120), index=True)
    version: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    files: Mapped[dict[str, str]] = mapped_column(Json)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(60))
    current: Mapped[bool] = mapped_column(default=True)


class ReleaseView:
    """A release as the engine uses it: read once, shared by all cases of the process, never changed."""

    def __init__(self, release: Release, files: Mapping[str, bytes]) -> None:
        self.id = release.id
        self.kind = release.kind
        self.item_id = release.item
        self.version = release.version
        self.hash = release.hash
        self.files = dict(files)

    @cached_property
    def item(self) -> Item:
        """The parsed item.yaml; a deployment has none and counts as an item that declares nothing."""
        if self.kind == DEPLOYMENT:
            return undeclared()
        path = next(path for path in self.files if path.endswith(f"{self.item_id}/item.yaml"))
        return parse_item(self.files[path], path)

    @cached_property
    def shared_items(self) -> list[dict[str, Any]]:
        """Parameters that shared parts bring along."""
        return [
            parse_item(content, path).raw
            for path, content in self.files.items()
            if path == "processes/shared/item.yaml"
        ]

    def of_kind(self, suffix: str) -> dict[str, bytes]:
        """The files whose path ends so."""
        return {path: content for path, content in self.files.items() if path.endswith(suffix)}

    @property
    def strict(self) -> bool:
        """Whether models must be good enough for an item; a deployment need only be valid Camunda 8."""
        return self.kind == ITEM

    @cached_property
    def forms(self) -> dict[str, Form]:
        """Every form by its id; of a deployment those that our pages can show, also those inside its models."""
        if self.strict:
            compiled = (compile_form(content, path) for path, content in self.of_kind(".form").items())
            return {form.id: form for form in compiled}
        found = {}
        inside = [one for model in self.of_kind(".bpmn").values() for one in embedded_forms(model)]
        for name, content in [*inside, *self.of_kind(".form").items()]:
            # What is wrong with it was told when it was deployed.
            with suppress(ModelFault):
                form = compile_form(content, name)
                found[name if not name.endswith(".form") else form.id] = form
        return found

    def form(self, form_id: str) -> Form:
        """The form of that id. Raises ``ModelFault``."""
        if form_id not in self.forms:
            raise ModelFault(Fault("unknown_form", f"发布包中没有表单 {form_id}"))
        return self.forms[form_id]

    @cached_property
    def templates(self) -> dict[str, str]:
        """Document templates: name without suffix (and full path, for ``extends``) → source."""
        found: dict[str, str] = {}
        for path, content in self.of_kind(".html").items():
            text = content.decode()
            found[path] = found[path.removeprefix("forms/")] = text
            found[path.rsplit("/", 1)[-1]] = found[path.rsplit("/", 1)[-1].removesuffix(".html")] = text
        return found


_ELSEWHERE = re.compile(r"(.+)#(\d{15,19})")


def form_elsewhere(form_id: str, release_id: int) -> str:
    """How a form is referred to that another release holds than the case's own."""
    return f"{form_id}#{release_id}"


def named_form(reference: str) -> tuple[str, int | None]:
    """What a reference says: the form's id and, where that is not the case's own, the release that holds it."""
    found = _ELSEWHERE.fullmatch(reference)
    return (found[1], int(found[2])) if found else (reference, None)


def shown_form(session: Session, release: ReleaseView, reference: str) -> Form | None:
    """The form of a task; None where that of a deployment's cannot be shown. Raises ``ModelFault``."""
    form_id, elsewhere = named_form(reference)
    holder = release if elsewhere is None else view(session, elsewhere)
    return holder.form(form_id) if release.strict else holder.forms.get(form_id)


_views: dict[int, ReleaseView] = {}
_lock = Lock()


def view(session: Session, release_id: int) -> ReleaseView:
    """The release, read from the database once per process. Raises ``NotFound``."""
    found = _views.get(release_id)
    if found is not None:
        return found
    release = session.get(Release, release_id)
    if release is None:
        raise NotFound("没有这个发布版本")
    blobs = dict(session.execute(select(Blob.sha, Blob.content).where(Blob.sha.in_(set(release.files.values())))).all())
    made = ReleaseView(release, {path: blobs[sha] for path, sha in release.files.items()})
    with _lock:
        return _views.setdefault(release_id, made)


def current_id(session: Session, item: str) -> int:
    """The release that new cases of ``item`` get. Raises ``NotFound``."""
    found = session.scalar(
        select(Release.id).where(Release.item == item, Release.current.is_(True)).order_by(Release.version.desc())
    )
    if found is None:
        raise NotFound(f"事项 {item} 尚未发布")
    return found


def content_hash(files: Mapping[str, bytes]) -> str:
    """One hash over all paths and contents, whatever their order."""
    whole = sha256()
    for path in sorted(files):
        whole.update(path.encode() + b"\0" + sha256(files[path]).digest())
    return whole.hexdigest()


def store(session: Session, item: str, files: Mapping[str, bytes], by: str) -> Release:
    """Keep a release and make it current; the same content again is the same release."""
    hash_ = content_hash(files)
    session.execute(update(Release).where(Release.item == item).values(current=False))
    known = session.scalar(select(Release).where(Release.item == item, Release.hash == hash_))
    if known is not None:
        known.current = True
        session.flush()
        return known
    shas = _keep(session, files)
    last = session.scalar(select(func.max(Release.version)).where(Release.item == item)) or 0
    release = Release(
        id=ids.new(), item=item, version=last + 1, hash=hash_, files=shas, created_at=clock.now(), created_by=by
    )
    session.add(release)
    session.flush()
    return release


def store_deployment(session: Session, files: Mapping[str, bytes], by: str, salt: str = "") -> Release:
    """Keep files that are no item; the same content again is the same release, also when two hand it in at once.

    Releases with another ``salt`` are others, though their files are the same.
    """
    hash_ = sha256(f"{salt}:{content_hash(files)}".encode()).hexdigest()
    ours = select(Release).where(Release.item == "", Release.hash == hash_)
    if (known := session.scalar(ours)) is not None:
        return known
    number = ids.new()
    row = {"id": number, "kind": DEPLOYMENT, "item": "", "version": number, "hash": hash_, "current": False}
    row |= {"files": _keep(session, files), "created_at": clock.now(), "created_by": by}
    session.execute(insert_with_conflict(session, Release).values(row).on_conflict_do_nothing())
    return session.scalars(ours).one()


def _keep(session: Session, files: Mapping[str, bytes]) -> dict[str, str]:
    """Keep the contents that are new; path → sha."""
    shas = {path: sha256(content).hexdigest() for path, content in files.items()}
    rows = {sha: files[path] for path, sha in shas.items()}
    stored = set(session.scalars(select(Blob.sha).where(Blob.sha.in_(rows))))
    if new := [{"sha": sha, "content": body} for sha, body in rows.items() if sha not in stored]:
        session.execute(insert_with_conflict(session, Blob).on_conflict_do_nothing(), new)
    return shas
