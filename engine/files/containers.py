"""PDF files and zip-based documents: are they what they seem, whole, open and without moving parts?"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

from lxml import etree
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from engine.files.refusals import FileTypeRefused, damaged

_MAX_PAGES_READ = 500
_MAX_ANNOTATIONS_READ = 200  # of one page
_MAX_ENTRIES = 5_000
_MAX_UNPACKED = 200 * 1024 * 1024
_MAX_XML = 1024 * 1024
_LOCKED = 1  # flag bit of an entry
_END_OF_ZIP = b"PK\x05\x06"
_END_OF_ZIP_SIZE = 22  # without a comment

# What broken input makes pypdf and zipfile raise.
_BROKEN_PDF = (PyPdfError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, OSError)
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OSError, EOFError, NotImplementedError)

_RAW_ACTIONS = re.compile(rb"/S\s*/(?:JavaScript|Launch)\b")
_ACTIONS = {"/JavaScript", "/Launch", "/ImportData"}
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_ACTIVE_PART = re.compile(r"vbaproject\.bin$|/activex/|\.(?:exe|dll|js|vbs|bat|cmd|ps1|scr)$", re.IGNORECASE)


# --- PDF ------------------------------------------------------------------------------------------------------------


def check_pdf(content: bytes) -> None:
    """Refuse a PDF that is damaged, locked, or acts by itself. Attached files (e-invoices carry them) are allowed."""
    if b"%%EOF" not in content[-1024:]:
        raise damaged("PDF 文件")
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise FileTypeRefused("PDF 文件设了密码或限制，请取消保护后再上传", code="file_encrypted")
        if not len(reader.pages):
            raise damaged("PDF 文件")
        active = bool(_RAW_ACTIONS.search(content)) or any(_acts(action) for action in _actions(reader))
    except _BROKEN_PDF as error:
        raise damaged("PDF 文件") from error
    if active:
        raise FileTypeRefused(
            "PDF 文件含有脚本或自动运行的内容，请另存或打印成普通 PDF 后上传", code="file_active_content"
        )


def _actions(reader: PdfReader) -> Iterator[Any]:
    """Every action that a viewer might run: of the document, its named scripts, its pages and their fields."""
    root = reader.root_object
    names = _plain(root.get("/Names"))
    if isinstance(names, dict) and "/JavaScript" in names:
        yield {"/S": "/JavaScript"}
    yield root.get("/OpenAction")
    yield from _triggers(root)
    for page in islice(reader.pages, _MAX_PAGES_READ):
        yield from _triggers(page)
        for reference in islice(_plain(page.get("/Annots")) or (), _MAX_ANNOTATIONS_READ):
            annotation = _plain(reference)
            if isinstance(annotation, dict):
                yield annotation.get("/A")
                yield from _triggers(annotation)


def _triggers(owner: Any) -> Iterator[Any]:
    triggers = _plain(owner.get("/AA"))
    if isinstance(triggers, dict):
        yield from triggers.values()


def _acts(action: Any) -> bool:
    found = _plain(action)
    return isinstance(found, dict) and _plain(found.get("/S")) in _ACTIONS


def _plain(value: Any) -> Any:
    """The object behind a reference."""
    return value.get_object() if hasattr(value, "get_object") else value


# --- zip ------------------------------------------------------------------------------------------------------------


def container_kind(content: bytes) -> str | None:
    """``docx``, ``xlsx``, ``ofd`` (GB/T 33190) or None for another zip. Raises ``FileTypeRefused`` as ``inspect``."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if any(entry.flag_bits & _LOCKED for entry in archive.infolist()):
                raise FileTypeRefused("文件设了密码，请取消保护后再上传", code="file_encrypted")
            kind = _kind(archive)
            if kind is not None:
                _check_zip(archive, content, kind)
    except _BROKEN_ZIP as error:
        raise damaged("文件") from error
    return kind


def _kind(archive: zipfile.ZipFile) -> str | None:
    names = set(archive.namelist())
    if "OFD.xml" in names:
        return "ofd" if etree.QName(_xml(archive, "OFD.xml")).localname == "OFD" else None
    if "[Content_Types].xml" not in names:
        return None
    parts = {element.get("ContentType") for element in _xml(archive, "[Content_Types].xml")}
    return "docx" if _DOCX in parts else "xlsx" if _XLSX in parts else None


def _check_zip(archive: zipfile.ZipFile, content: bytes, kind: str) -> None:
    entries = archive.infolist()
    title = f"{kind.upper()} 文件"
    if len(entries) > _MAX_ENTRIES or sum(entry.file_size for entry in entries) > _MAX_UNPACKED:
        raise FileTypeRefused(f"{title}展开后过大，请删去多余内容后再上传")
    if any(_ACTIVE_PART.search(entry.filename) for entry in entries):
        raise FileTypeRefused(f"{title}含有宏或程序，请另存为不含宏的文件后上传", code="file_active_content")
    if any(".." in entry.filename.split("/") or entry.filename.startswith("/") for entry in entries):
        raise damaged(title)
    # Bytes before the first entry or behind the last record would be a second file in disguise.
    alone = min(entry.header_offset for entry in entries) == 0 and content[-_END_OF_ZIP_SIZE:][:4] == _END_OF_ZIP
    if not alone:
        raise FileTypeRefused(f"{title}里夹带了其他内容，请重新保存后上传")


def _xml(archive: zipfile.ZipFile, name: str) -> etree._Element:
    with archive.open(name) as part:
        text = part.read(_MAX_XML + 1)
    if len(text) > _MAX_XML:
        raise damaged("文件")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise damaged("文件") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise damaged("文件")
    return root
