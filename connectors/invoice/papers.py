"""Whether a file that came is what it should be: a PDF or an OFD, readable, and of the invoice that was asked for."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Iterator
from zlib import error as ZlibError

from lxml import etree

from connectors._kit.settings import PartySettings
from connectors._kit.soap import safe_parser
from connectors.invoice.told import Papers
from engine.core.errors import OutsideFault

MOST_PAGES, MOST_ENTRIES, MOST_BYTES = 20, 300, 20_000_000
# pypdf tells of every oddity it mends; what matters is raised.
logging.getLogger("pypdf").setLevel(logging.ERROR)


def checked(party: PartySettings, pdf: bytes, ofd: bytes, number: str) -> Papers:
    """Both files. Raises ``OutsideFault`` (``bad_invoice_file``): another kind, broken, or of another invoice."""
    for kind, texts in (("PDF", pdf_text(pdf)), ("OFD", ofd_text(ofd))):
        if texts is None:
            raise _bad(party, f"{kind} 文件打不开")
        # A picture without text proves nothing either way.
        if texts and number not in texts:
            raise _bad(party, f"{kind} 文件中没有所要的票号")
    return Papers(pdf, ofd)


def unpacked(party: PartySettings, content: bytes, number: str) -> Papers:
    """The one PDF and the one OFD of a zip. Raises as ``checked``."""
    found: dict[str, list[bytes]] = {"pdf": [], "ofd": []}
    try:
        for name, entry in _entries(content):
            found.get(name.rpartition(".")[2].lower(), []).append(entry)
    except (zipfile.BadZipFile, ZlibError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        raise _bad(party, "压缩包打不开") from error
    if [len(found["pdf"]), len(found["ofd"])] != [1, 1]:
        raise _bad(party, "压缩包中应有一份 PDF 和一份 OFD")
    return checked(party, found["pdf"][0], found["ofd"][0], number)


def pdf_text(content: bytes) -> str | None:
    """The text of the first pages without blanks; None where it is no PDF that can be read."""
    # Half a second that only who fetches an invoice waits for.
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    if not content.startswith(b"%PDF-"):
        return None
    try:
        pages = PdfReader(io.BytesIO(content)).pages
        if not pages:
            return None
        return _dense("".join(page.extract_text() for page in pages[:MOST_PAGES]))
    except (PyPdfError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError):
        return None


def ofd_text(content: bytes) -> str | None:
    """What an OFD's pages say, without blanks; None where it is no OFD (GB/T 33190: a zip whose root is OFD.xml)."""
    try:
        entries = dict(_entries(content))
        root = _xml(entries["OFD.xml"])
        if etree.QName(root).localname != "OFD" or root.find(".//{*}DocRoot") is None:
            return None
        pages = [_xml(entry) for name, entry in entries.items() if name.endswith("/Content.xml")]
        return _dense("".join(text for page in pages for text in page.itertext("{*}TextCode") if isinstance(text, str)))
    except (LookupError, etree.XMLSyntaxError, zipfile.BadZipFile, ZlibError):
        return None
    except (RuntimeError, NotImplementedError, EOFError, ValueError):
        return None


def _entries(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Raises ``ValueError`` for what unpacks into more than an invoice can be."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        infos = packed.infolist()
        if len(infos) > MOST_ENTRIES or sum(one.file_size for one in infos) > MOST_BYTES:
            raise ValueError("too large")
        for one in infos:
            # At most what its directory promised: what was added up above.
            with packed.open(one) as entry:
                yield one.filename, entry.read(one.file_size)


def _xml(content: bytes) -> etree._Element:
    return etree.fromstring(content, safe_parser())


def _dense(text: str) -> str:
    return "".join(text.split())


def _bad(party: PartySettings, what: str) -> OutsideFault:
    return OutsideFault(f"「{party.title}」给出的{what}，请稍后重取，仍不行时联系对方", code="bad_invoice_file")
