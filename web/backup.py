"""Back-up and restore: database, files and keys together, so that one archive is a whole office again."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from pathlib import Path

from sqlalchemy.engine import make_url

from engine.core import clock
from engine.core.config import Config
from engine.core.errors import AnjuError, Refused

KEY_FILES = ("keys.json", "session.key")
FOLDERS = ("files", "seal")


class BackupFailed(AnjuError):
    """The database's own tool did not finish."""

    code = "backup_failed"


def backup(config: Config, target: Path) -> Path:
    """Write one archive (keys inside: keep it safe). The database is copied consistently while it is in use.

    The database is copied first and the files afterwards: a file that a row names was stored before its row.
    """
    with tempfile.TemporaryDirectory() as scratch:
        dump = Path(scratch) / "database"
        _dump(config, dump)
        about = {"made_at": clock.now().isoformat(), "database": make_url(config.database_url).get_backend_name()}
        with tarfile.open(target, "w:gz") as archive:
            _add_text(archive, "about.json", json.dumps(about))
            archive.add(dump, "database")
            for name in KEY_FILES + FOLDERS:
                if (config.data / name).exists():
                    archive.add(config.data / name, f"data/{name}")
    target.chmod(0o600)
    return target


def restore(config: Config, source: Path) -> None:
    """Put an archive back into an empty data folder and an empty database. Raises ``Refused`` where it is not empty."""
    if any((config.data / name).exists() for name in KEY_FILES) or (config.data / "files").exists():
        raise Refused(f"数据目录 {config.data} 不是空的，请另选目录或先移走旧数据", code="not_empty")
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(source) as archive:
        archive.extractall(scratch, filter="data")
        about = json.loads((Path(scratch) / "about.json").read_text())
        backend = make_url(config.database_url).get_backend_name()
        if about["database"] != backend:
            raise Refused(f"备份来自 {about['database']}，不能恢复到 {backend}", code="other_database")
        config.data.mkdir(parents=True, exist_ok=True)
        _load(config, Path(scratch) / "database")
        for path in sorted((Path(scratch) / "data").iterdir()):
            shutil.move(path, config.data / path.name)


def _dump(config: Config, target: Path) -> None:
    url = make_url(config.database_url)
    if url.get_backend_name() == "sqlite":
        with sqlite3.connect(str(url.database)) as source, sqlite3.connect(target) as copy:
            source.backup(copy)
        return
    _run(["pg_dump", "--format=custom", f"--file={target}", _libpq(config)])


def _load(config: Config, dump: Path) -> None:
    url = make_url(config.database_url)
    if url.get_backend_name() == "sqlite":
        place = Path(str(url.database))
        if place.exists():
            raise Refused(f"数据库 {place} 已存在，请先移走", code="not_empty")
        shutil.copyfile(dump, place)
        return
    _run(["pg_restore", "--exit-on-error", "--no-owner", f"--dbname={_libpq(config)}", str(dump)])


def _libpq(config: Config) -> str:
    return make_url(config.database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        raise Refused(f"找不到 {command[0]}，请安装 postgresql-client 后再试", code="tool_missing")
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BackupFailed(f"{command[0]} 未完成：{done.stderr.strip()[:500]}")


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(text.encode())
    archive.addfile(info, io.BytesIO(text.encode()))
