"""Making the zip of a whole case: page, papers, materials, evidence and record, each with its SHA-256."""

from __future__ import annotations

import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from engine.cases.bundles import CaseBundle
from engine.core.db import reading, transaction
from engine.core.errors import AnjuError, NotFound
from engine.core.operations import FileAccess
from engine.files import documents
from engine.jobs.queue import Job
from engine.queries.bundle import Bundle, bundle
from engine.registers.offices import staff_actor

_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
# Progress is written after so many files: a small case is done before anybody could look.
STEP = 5


def make(job: Job, files: FileAccess) -> None:
    """One zip to its end. What cannot be made is marked as failed with its reason in the log; nobody waits for ever."""
    bundle_id = int(job.payload["bundle"])
    with reading() as session:
        row = session.get(CaseBundle, bundle_id)
        if row is None or row.state in ("ready", "failed"):
            found = None
        else:
            actor = staff_actor(session, row.actor_id)
            if actor is None:
                raise NotFound("申请导出的账号已停用")
            found = bundle(session, actor, row.case_id)
    if found is not None:
        _mark(bundle_id, state="working", done=0, total=len(found.files) + len(found.texts) + 2)
        content = _zipped(bundle_id, found, files)
        sha = files.write(content, name="case.zip", media_type="application/zip")
        _mark(bundle_id, state="ready", sha=sha, size=len(content), done=len(found.files) + len(found.texts) + 2)
    with transaction() as session:
        gone = session.get(Job, job.id)
        if gone is not None:
            session.delete(gone)


def fail(job: Job) -> None:
    """The zip will not come: whoever asked is told so."""
    _mark(int(job.payload["bundle"]), state="failed")


def _zipped(bundle_id: int, found: Bundle, files: FileAccess) -> bytes:
    """On disk until it is whole: scans of a case may be hundreds of megabytes."""
    sums: list[str] = []
    html = _pages.get_template("bundle.html").render(found=found, file=found.file)
    with tempfile.TemporaryFile() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            made = {"index.html": html.encode(), "index.pdf": documents.render_pdf(html), **found.texts}
            for path, content in made.items():
                _add(archive, sums, path, content)
            for number, one in enumerate(found.files, start=1):
                _add(archive, sums, one.path, _read(files, one.sha))
                if number % STEP == 0:
                    _mark(bundle_id, done=len(made) + number)
            archive.writestr("SHA256SUMS", "".join(sums))
        target.seek(0)
        return target.read()


def _read(files: FileAccess, sha: str) -> bytes:
    try:
        return files.read(sha)
    except AnjuError as error:
        # A lost scan must not lose the rest of the file; the sum of the note differs from the record's.
        return f"文件无法读取：{error.message}".encode()


def _add(archive: zipfile.ZipFile, sums: list[str], path: str, content: bytes) -> None:
    archive.writestr(path, content)
    sums.append(f"{sha256(content).hexdigest()}  {path}\n")


def _mark(bundle_id: int, **changes: object) -> None:
    with transaction() as session:
        row = session.get(CaseBundle, bundle_id)
        if row is not None:
            for name, value in changes.items():
                setattr(row, name, value)
