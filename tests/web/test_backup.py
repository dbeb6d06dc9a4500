"""One archive is a whole office again: database, files and keys."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.cases import record
from engine.cases.case import Case
from engine.cases.documents import Attachment, Document
from engine.core import config, db
from engine.core.db import reading
from engine.core.errors import Refused
from engine.registers.accounts import CitizenAccount
from tests.conftest import POSTGRES
from tests.support.installation import Installation, Postgres
from web import app as application
from web import backup


def looked_at(parts: application.Parts) -> dict[str, object]:
    """Everything a person would miss."""
    with reading() as session:
        cases = session.scalars(select(Case).order_by(Case.id)).all()
        shas = [*session.scalars(select(Attachment.sha)), *session.scalars(select(Document.file_sha))]
        return {
            "cases": [(case.number, case.stage, case.subject_name) for case in cases],
            "journals": [record.verify(session, case.id) for case in cases],
            "people": sorted(session.scalars(select(CitizenAccount.id_number))),
            "files": sorted(parts.store.get(sha)[:8] for sha in shas if sha),
        }


@contextmanager
def empty_place(anju: Installation, folder: Path) -> Iterator[config.Config]:
    """Settings of a machine with nothing on it."""
    old = anju.parts.config
    if old.sqlite:
        yield replace(old, data=folder, database_url=f"sqlite:///{folder / 'anju.db'}")
        return
    server = Postgres(POSTGRES["host"], POSTGRES["port"])
    with server.database() as name:
        yield replace(old, data=folder, database_url=server.url(name))


def test_an_office_restored_is_the_office_that_was_backed_up(anju_both: Installation, tmp_path: Path) -> None:
    anju = anju_both
    if not anju.parts.config.sqlite and shutil.which("pg_dump") is None:
        pytest.skip("no pg_dump here: install postgresql-client")
    case_id = anju.apply().case_id
    anju.do(case_id, "accept", "liuyang", {"accept_result": "accepted"})
    before = looked_at(anju.parts)
    assert before["cases"]
    assert before["files"]
    archive = backup.backup(anju.parts.config, tmp_path / "office.tar.gz")
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    db.engine().dispose()
    with empty_place(anju, tmp_path / "elsewhere") as settings:
        backup.restore(settings, archive)
        environ = {"ANJU_DATA": str(settings.data), "ANJU_DATABASE_URL": settings.database_url}
        parts = application.build({**anju.parts.config.environ, **environ})
        assert looked_at(parts) == before
        db.engine().dispose()


def test_nothing_is_restored_over_an_office_that_is_there(anju: Installation, tmp_path: Path) -> None:
    archive = backup.backup(anju.parts.config, tmp_path / "office.tar.gz")
    with pytest.raises(Refused) as there:
        backup.restore(anju.parts.config, archive)
    assert there.value.code == "not_empty"


def test_an_archive_of_the_other_database_is_refused(anju: Installation, tmp_path: Path) -> None:
    archive = backup.backup(anju.parts.config, tmp_path / "office.tar.gz")
    other = replace(anju.parts.config, data=tmp_path / "new", database_url="postgresql+psycopg://x@127.0.0.1/x")
    with pytest.raises(Refused) as wrong:
        backup.restore(other, archive)
    assert wrong.value.code == "other_database"
    assert not (tmp_path / "new").exists()


def test_what_happens_while_the_backup_runs_does_not_break_it(anju: Installation, tmp_path: Path) -> None:
    first = anju.apply().case_id
    with db.transaction() as session:
        session.get_one(Case, first).stage = "正在改"
        session.flush()
        archive = backup.backup(anju.parts.config, tmp_path / "office.tar.gz")
    db.engine().dispose()
    with empty_place(anju, tmp_path / "elsewhere") as settings:
        backup.restore(settings, archive)
        application.build(
            {**anju.parts.config.environ, "ANJU_DATA": str(settings.data), "ANJU_DATABASE_URL": settings.database_url}
        )
        with reading() as session:
            assert session.scalars(select(Case.stage)).one() != "正在改"
        db.engine().dispose()
