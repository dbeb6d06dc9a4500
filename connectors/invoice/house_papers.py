"""The files that the simulated platforms hand out: real PDF and OFD, drawn here without any library but zip."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

# Where a line stands, in PDF points from the upper left: (x, y, size, text).
Line = tuple[float, float, float, str]
WIDTH, HEIGHT = 610, 396
POINTS_PER_MM = 72 / 25.4
NOTE = "模拟平台开具，不作报销凭证"


def sheet(title: str, facts: Sequence[tuple[str, str]], items: Sequence[tuple[str, str]], total: str) -> list[Line]:
    """An invoice as lines: facts in two columns, items with their amounts, the total, and what it is not."""
    lines: list[Line] = [(200, 40, 17, title)]
    for place, (name, value) in enumerate(facts):
        lines.append((40 + 290 * (place % 2), 78 + 22 * (place // 2), 9.5, f"{name}：{value}"))
    top = 78 + 22 * ((len(facts) + 1) // 2) + 16
    lines += [(40, top, 9.5, "项目"), (470, top, 9.5, "金额（元）")]
    for place, (name, amount) in enumerate(items):
        lines += [(40, top + 22 * (place + 1), 9.5, name), (470, top + 22 * (place + 1), 9.5, amount)]
    foot = top + 22 * (len(items) + 2)
    return [*lines, (40, foot, 11, f"合计（元）：{total}"), (40, HEIGHT - 24, 8, NOTE)]


def pdf(lines: Sequence[Line]) -> bytes:
    """One page; Chinese in the readers' own Song, everything else in Courier."""
    drawn = b"".join(_drawn(line) for line in lines) + b"0.6 w 30 18 550 360 re S\n"
    content = b"<< /Length %d >>\nstream\n" % len(drawn) + drawn + b"endstream"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources "
        b"<< /Font << /C 5 0 R /L 8 0 R >> >> >>" % (WIDTH, HEIGHT),
        content,
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light-UniGB-UTF16-H /Encoding /UniGB-UTF16-H "
        b"/DescendantFonts [6 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /FontDescriptor 7 0 R "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 "
        b"/Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    made, places = io.BytesIO(), []
    made.write(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    for number, one in enumerate(objects, 1):
        places.append(made.tell())
        made.write(b"%d 0 obj\n" % number + one + b"\nendobj\n")
    start = made.tell()
    made.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    made.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    made.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return made.getvalue()


def _drawn(line: Line) -> bytes:
    x, y, size, text = line
    out = b""
    for run in re.findall(r"[ -~]+|[^ -~]+", text):
        plain = run.isascii()
        shown = run.encode("latin-1" if plain else "utf-16-be").hex().encode()
        font = b"L" if plain else b"C"
        out += b"BT /%s %.1f Tf %.2f %.2f Td <%s> Tj ET\n" % (font, size, x, HEIGHT - y, shown)
        x += len(run) * size * (0.6 if plain else 1.0)
    return out


def ofd(lines: Sequence[Line]) -> bytes:
    """The same page as GB/T 33190: lengths in millimetres from the upper left."""
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    box = f"0 0 {WIDTH / POINTS_PER_MM:.2f} {HEIGHT / POINTS_PER_MM:.2f}"
    texts = []
    for number, (x, y, size, text) in enumerate(lines, 10):
        left, high = x / POINTS_PER_MM, size / POINTS_PER_MM
        above, wide = y / POINTS_PER_MM - high, high * len(text)
        texts.append(
            f'<ofd:TextObject ID="{number}" Boundary="{left:.2f} {above:.2f} {wide:.2f} {high * 1.3:.2f}" Font="3" '
            f'Size="{high:.3f}"><ofd:TextCode X="0" Y="{high:.2f}" DeltaX="g {max(len(text) - 1, 1)} {high:.2f}">'
            f"{escape(text)}</ofd:TextCode></ofd:TextObject>"
        )
    entries = {
        "OFD.xml": f'<ofd:OFD {space} DocType="OFD" Version="1.1"><ofd:DocBody><ofd:DocInfo><ofd:DocID>'
        "00000000000000000000000000000001</ofd:DocID><ofd:Creator>simulator</ofd:Creator></ofd:DocInfo>"
        "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f"<ofd:Document {space}><ofd:CommonData><ofd:MaxUnitID>9999</ofd:MaxUnitID>"
        f"<ofd:PageArea><ofd:PhysicalBox>{box}</ofd:PhysicalBox></ofd:PageArea>"
        "<ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData><ofd:Pages>"
        '<ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>',
        "Doc_0/PublicRes.xml": f'<ofd:Res {space} BaseLoc="Res"><ofd:Fonts>'
        '<ofd:Font ID="3" FontName="宋体" FamilyName="宋体"/></ofd:Fonts></ofd:Res>',
        "Doc_0/Pages/Page_0/Content.xml": f"<ofd:Page {space}><ofd:Area><ofd:PhysicalBox>{box}</ofd:PhysicalBox>"
        f'</ofd:Area><ofd:Content><ofd:Layer ID="2">{"".join(texts)}</ofd:Layer></ofd:Content></ofd:Page>',
    }
    return packed({name: f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode() for name, text in entries.items()})


def packed(entries: dict[str, bytes]) -> bytes:
    """A zip."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in entries.items():
            target.writestr(name, content)
    return made.getvalue()
