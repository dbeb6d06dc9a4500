"""Definitions: every process, decision, requirements graph and form that was ever deployed or published, by key.

A version rises when the content of its resource changes; publishing an item counts like deploying its files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Index, Select, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from engine.catalog.releases import Blob, Release
from engine.core import clock, ids
from engine.core.db import Base, WithId, insert_with_conflict
from engine.core.errors import NotFound

Kind = Literal["process", "decision", "requirements", "form"]

ACTIVE, DELETED = "active", "deleted"


class Definition(WithId, Base):
    """One version of one definition; ``id`` is its key. ``resource_name`` is its path in the release ``release_id``.

    ``requirements_key`` is set for decisions: the graph they stand in. ``state``: active, deleted.
    """

    __tablename__ = "definition"
    __table_args__ = (
        UniqueConstraint("kind", "definition_id", "version"),
        Index("ix_definition_release", "release_id"),
        Index("ix_definition_sha", "sha"),
    )

    kind: Mapped[str] = mapped_column(String(12))
    definition_id: Mapped[str] = mapped_column(String(200))
    version: Mapped[int]
    name: Mapped[str] = mapped_column(String(200), default="")
    version_tag: Mapped[str] = mapped_column(String(120), default="")
    resource_name: Mapped[str] = mapped_column(String(300))
    sha: Mapped[str] = mapped_column(String(64))
    release_id: Mapped[int]
    requirements_key: Mapped[int | None]
    has_start_form: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(8), default=ACTIVE)
    created_at: Mapped[datetime]


class ReleaseDefinition(Base):
    """Which version of a definition a release holds: what a case is pinned to, by key."""

    __tablename__ = "release_definition"
    __table_args__ = (Index("ix_release_definition_key", "key"),)

    release_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    definition_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[int]


@dataclass(frozen=True)
class Described:
    """What a resource declares; ``requirements`` is the id of a decision's graph, declared before it."""

    kind: Kind
    definition_id: str
    resource_name: str
    name: str = ""
    version_tag: str = ""
    requirements: str = ""
    has_start_form: bool = False


def register(session: Session, release: Release, described: Iterable[Described]) -> list[Definition]:
    """Number what a release declares; what is the same as the newest version keeps its version and key."""
    graphs: dict[str, int] = {}
    found: list[Definition] = []
    for one in described:
        definition = _register(session, release, one, graphs.get(one.requirements))
        if one.kind == "requirements":
            graphs[one.definition_id] = definition.id
        found.append(definition)
    link(session, release.id, found)
    return found


def link(session: Session, release_id: int, held: Iterable[Definition]) -> None:
    """Say which versions a release holds; content that came back counts under its newest number."""
    rows = {
        (one.kind, one.definition_id): {
            "release_id": release_id,
            "kind": one.kind,
            "definition_id": one.definition_id,
            "key": one.id,
        }
        for one in held
    }
    if rows:
        made = insert_with_conflict(session, ReleaseDefinition)
        over = made.on_conflict_do_update(
            index_elements=["release_id", "kind", "definition_id"], set_={"key": made.excluded.key}
        )
        session.execute(over, list(rows.values()))


def _register(session: Session, release: Release, one: Described, graph: int | None) -> Definition:
    sha = release.files[one.resource_name]
    newest = session.scalar(_versions(one.kind, one.definition_id).limit(1))
    if newest is not None and newest.sha == sha and newest.state == ACTIVE:
        return newest
    made = Definition(
        id=ids.new(),
        kind=one.kind,
        definition_id=one.definition_id,
        version=newest.version + 1 if newest else 1,
        name=one.name,
        version_tag=one.version_tag,
        resource_name=one.resource_name,
        sha=sha,
        release_id=release.id,
        requirements_key=graph,
        has_start_form=one.has_start_form,
        state=ACTIVE,
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    return made


def _versions(kind: Kind, definition_id: str) -> Select[Definition]:
    """All versions, the newest first."""
    ours = select(Definition).where(Definition.kind == kind, Definition.definition_id == definition_id)
    return ours.order_by(Definition.version.desc())


def latest(session: Session, kind: Kind, definition_id: str) -> Definition | None:
    """The newest version that was not deleted."""
    return session.scalar(_versions(kind, definition_id).where(Definition.state == ACTIVE).limit(1))


def of_version(session: Session, kind: Kind, definition_id: str, version: int) -> Definition | None:
    """That very version, unless it was deleted."""
    query = _versions(kind, definition_id).where(Definition.version == version, Definition.state == ACTIVE)
    return session.scalar(query)


def of_tag(session: Session, kind: Kind, definition_id: str, tag: str) -> Definition | None:
    """The newest version that carries the tag."""
    query = _versions(kind, definition_id).where(Definition.version_tag == tag, Definition.state == ACTIVE)
    return session.scalar(query.limit(1))


def by_key(session: Session, key: int, *kinds: Kind) -> Definition:
    """The definition of that key, deleted ones too. Raises ``NotFound``."""
    found = session.get(Definition, key)
    if found is None or (kinds and found.kind not in kinds):
        raise not_found()
    return found


def not_found() -> NotFound:
    """There is no definition of that key, id or version."""
    return NotFound("没有这个定义，请核对键、编号与版本", code="definition_not_found")


def delete(session: Session, definition: Definition) -> None:
    """Take it out of use, a requirements graph with its decisions."""
    gone = [definition]
    if definition.kind == "requirements":
        gone += session.scalars(select(Definition).where(Definition.requirements_key == definition.id))
    for one in gone:
        one.state = DELETED


def in_release(session: Session, release_id: int, kind: Kind, definition_id: str) -> Definition | None:
    """The version that the release holds."""
    held = select(ReleaseDefinition.key).where(
        ReleaseDefinition.release_id == release_id,
        ReleaseDefinition.kind == kind,
        ReleaseDefinition.definition_id == definition_id,
    )
    return session.scalar(select(Definition).where(Definition.id.in_(held)))


def beside(session: Session, definition: Definition) -> Sequence[Definition]:
    """What the same resource declares, the definition itself among it: of each the number that this content has."""
    same = select(Definition).where(Definition.sha == definition.sha, Definition.release_id == definition.release_id)
    found = {(one.kind, one.definition_id): one for one in session.scalars(same.order_by(Definition.version))}
    return list({**found, (definition.kind, definition.definition_id): definition}.values())


def content(session: Session, definition: Definition) -> bytes:
    """The resource as it was handed in, byte for byte."""
    return session.scalars(select(Blob.content).where(Blob.sha == definition.sha)).one()


def generation(session: Session) -> tuple[int, int]:
    """Changes whenever a definition is added or deleted; for whoever keeps what follows from them."""
    deleted = func.count().filter(Definition.state == DELETED)
    newest, gone = session.execute(select(func.max(Definition.id), deleted)).one()
    return newest or 0, gone


def newest_of_all(session: Session, kind: Kind) -> Sequence[Definition]:
    """The newest version of every definition of a kind."""
    number = func.max(Definition.version).label("newest")
    grouped = select(Definition.definition_id, number).where(Definition.kind == kind, Definition.state == ACTIVE)
    top = grouped.group_by(Definition.definition_id).subquery()
    query = select(Definition).join(
        top, (top.c.definition_id == Definition.definition_id) & (top.c.newest == Definition.version)
    )
    return session.scalars(query.where(Definition.kind == kind).order_by(Definition.definition_id)).all()
