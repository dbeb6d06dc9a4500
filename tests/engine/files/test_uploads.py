"""A file is what it holds: allowed kinds pass whatever they are called, all else is told what would pass."""

import io
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from engine.files.refusals import FileTooLarge, FileTypeRefused
from engine.files.uploads import MAX_BYTES, inspect, thumbnail

CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/main.xml" ContentType="application/vnd.openxmlformats-officedocument.{}.main+xml"/></Types>'
)
OFD = '<?xml version="1.0"?><ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" Version="1.1"/>'


def picture(kind: str = "JPEG", size: tuple[int, int] = (300, 200), exif: Image.Exif | None = None) -> bytes:
    target = io.BytesIO()
    image = Image.radial_gradient("L").resize(size).convert("RGB")
    image.save(target, kind, **({"exif": exif} if exif else {}))
    return target.getvalue()


def pdf(change: Callable[[PdfWriter], object] = lambda writer: None) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    change(writer)
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def zipped(**parts: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return target.getvalue()


def docx(**more: str) -> bytes:
    return zipped(**{"[Content_Types].xml": CONTENT_TYPES.format("wordprocessingml.document"), **more})


def xlsx(**more: str) -> bytes:
    return zipped(**{"[Content_Types].xml": CONTENT_TYPES.format("spreadsheetml.sheet"), **more})


def action(kind: str) -> DictionaryObject:
    return DictionaryObject({NameObject("/S"): NameObject(kind), NameObject("/F"): TextStringObject("a.exe")})


def on_open(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/OpenAction")] = writer._add_object(action("/Launch"))


def on_page(writer: PdfWriter) -> None:
    writer.pages[0][NameObject("/AA")] = DictionaryObject({NameObject("/O"): action("/JavaScript")})


def on_link(writer: PdfWriter) -> None:
    link = DictionaryObject({NameObject("/Subtype"): NameObject("/Link"), NameObject("/A"): action("/Launch")})
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(link)])


def on_field(writer: PdfWriter) -> None:
    field = DictionaryObject({NameObject("/AA"): DictionaryObject({NameObject("/K"): action("/JavaScript")})})
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(field)])


def named_script(writer: PdfWriter) -> None:
    names = DictionaryObject({NameObject("/JavaScript"): DictionaryObject()})
    writer.root_object[NameObject("/Names")] = writer._add_object(names)


def refusal(content: bytes, filename: str = "材料.pdf") -> FileTypeRefused:
    with pytest.raises(FileTypeRefused) as caught:
        inspect(content, filename)
    return caught.value


# --- let in ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "extension", "media_type"),
    [
        (pdf(), "pdf", "application/pdf"),
        (picture("JPEG"), "jpg", "image/jpeg"),
        (picture("PNG"), "png", "image/png"),
        (zipped(**{"OFD.xml": OFD, "Doc_0/Document.xml": "<a/>"}), "ofd", "application/ofd"),
        (docx(), "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (xlsx(), "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_an_allowed_kind_passes_under_any_name(content: bytes, extension: str, media_type: str) -> None:
    upload = inspect(content, "户口簿.exe")
    assert (upload.extension, upload.media_type, upload.size) == (extension, media_type, len(content))
    assert upload.name == f"户口簿.{extension}"


def test_an_invoice_with_its_data_attached_passes() -> None:
    assert inspect(pdf(lambda writer: writer.add_attachment("invoice.xml", b"<x/>")), "发票.pdf").extension == "pdf"


def test_what_a_phone_writes_behind_a_picture_does_no_harm() -> None:
    assert inspect(picture() + b"SEFH camera data SEFT", "照片.jpg").extension == "jpg"


# --- refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        b"<!DOCTYPE html><html><body>x</body></html>",
        b"MZ\x90\x00" + bytes(200),
        b"\x7fELF" + bytes(200),
        b"GIF89a" + bytes(200),
        b"plain words",
        zipped(**{"a.txt": "a zip of no known kind"}),
        zipped(**{"[Content_Types].xml": "<Types/>"}),
    ],
)
def test_other_kinds_are_refused_with_a_list_of_what_passes(content: bytes) -> None:
    error = refusal(content, "身份证.pdf")
    assert error.code == "file_type_refused"
    assert "可以上传 PDF、JPG、PNG、OFD、DOCX、XLSX" in error.message


def test_a_telephone_s_own_format_is_refused_with_the_way_out() -> None:
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100)
    assert "兼容性最佳" in refusal(heic, "IMG_1.HEIC").message


def test_an_empty_file_is_refused() -> None:
    assert refusal(b"").code == "file_empty"


def test_the_size_is_limited_to_the_byte() -> None:
    content = picture()
    assert inspect(content, "a.jpg", max_bytes=len(content)).size == len(content)
    with pytest.raises(FileTooLarge) as caught:
        inspect(content, "a.jpg", max_bytes=len(content) - 1)
    assert caught.value.code == "file_too_large"
    with pytest.raises(FileTooLarge, match=r"20\.5 MB，超过 20 MB"):
        inspect(bytes(MAX_BYTES + 512 * 1024), "a.pdf")


@pytest.mark.parametrize(
    "content",
    [
        pdf()[:-30],
        b"%PDF-1.7\nnothing\n%%EOF\n",
        b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 1 0 R>>\nendobj\ntrailer\n<</Root 1 0 R>>\nstartxref\n0\n%%EOF",
        picture("JPEG")[:2000],
        picture("PNG")[:2000],
        picture("PNG")[:2000] + bytes(500) + picture("PNG")[2500:],
        docx()[:-40],
        docx(**{"[Content_Types].xml": "<Types"}),
        zipped(**{"OFD.xml": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><OFD>&x;</OFD>'}),
        docx(**{"../../outside": "x"}),
    ],
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    assert refusal(content).code == "file_damaged"


def test_a_cut_off_picture_is_refused_even_after_pdf_drawing_made_pillow_lenient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # what importing WeasyPrint does
    assert refusal(picture("JPEG")[:2000]).code == "file_damaged"


def test_a_locked_pdf_is_refused() -> None:
    error = refusal(pdf(lambda writer: writer.encrypt("secret", algorithm="AES-256")))
    assert error.code == "file_encrypted"
    assert "取消保护" in error.message


def test_a_locked_archive_is_refused() -> None:
    content = bytearray(docx())
    for header, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + offset] |= 1
    assert refusal(bytes(content)).code == "file_encrypted"


def test_an_old_or_locked_office_file_is_refused_with_the_way_out() -> None:
    assert "另存为新格式" in refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "申请.doc").message


@pytest.mark.parametrize("change", [on_open, on_page, on_link, on_field, named_script])
def test_a_pdf_that_acts_by_itself_is_refused(change: Callable[[PdfWriter], object]) -> None:
    assert refusal(pdf(change)).code == "file_active_content"


@pytest.mark.parametrize("change", [on_open, on_page, on_link, on_field])
def test_an_action_under_a_disguised_name_is_refused(change: Callable[[PdfWriter], object]) -> None:
    content = pdf(change)
    for name, disguise in ((b"/Launch\n", b"/#4caunch "), (b"/JavaScript\n", b"/#4aavaScript ")):
        content = content.replace(name, disguise)
    assert b"#4" in content
    assert refusal(content).code == "file_active_content"


@pytest.mark.parametrize("part", ["word/vbaProject.bin", "word/activeX/activeX1.xml", "word/embeddings/run.EXE"])
def test_a_document_with_macros_or_programs_is_refused(part: str) -> None:
    assert refusal(docx(**{part: "x"})).code == "file_active_content"


def test_a_document_that_unpacks_to_a_mountain_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES.format("spreadsheetml.sheet"))
        for number in range(26):
            archive.writestr(f"{number}.xml", bytes(8 * 1024 * 1024))
    assert "展开后过大" in refusal(target.getvalue()).message


@pytest.mark.parametrize("content", [docx() + b"<script>alert(1)</script>", docx() + docx()[:-22] + b"x" * 22])
def test_a_document_with_something_behind_it_is_refused(content: bytes) -> None:
    assert refusal(content).code in {"file_type_refused", "file_damaged"}


@pytest.mark.parametrize(
    "content", [picture() + docx(), picture("JPEG")[:2] + b"\xff\xfe\x00\x0a%PDF-1.7" + picture()[2:]]
)
def test_a_picture_that_is_also_something_else_is_refused(content: bytes) -> None:
    assert "夹带" in refusal(content).message


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked() -> None:
    target = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(target, "PNG")
    assert refusal(target.getvalue()).code == "file_image_too_large"
    target = io.BytesIO()
    Image.new("1", (10_000, 9_000)).save(target, "PNG")
    assert "6000 万像素" in refusal(target.getvalue()).message


@given(
    seed=st.sampled_from([pdf(on_link), picture("JPEG", (40, 30)), picture("PNG", (40, 30)), docx()]),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4)), min_size=1, max_size=5),
)
@settings(max_examples=300, deadline=None)
def test_no_broken_file_makes_more_than_a_refusal(seed: bytes, edits: list[tuple[float, bytes]]) -> None:
    content = seed
    for place, patch in edits:
        position = int(place * len(content))
        content = content[:position] + patch + content[position + 2 :]
    try:
        upload = inspect(content, "a.pdf")
    except (FileTooLarge, FileTypeRefused):
        return
    assert upload.size == len(content)


# --- thumbnails -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_thumbnail_is_small_and_keeps_its_shape(kind: str) -> None:
    small = Image.open(io.BytesIO(thumbnail(picture(kind, (1200, 800)), f"image/{kind.lower()}", 120)))
    assert (small.format, small.size) == ("PNG", (120, 80))


def test_a_thumbnail_stands_upright_and_forgets_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "taken at home"
    small = Image.open(io.BytesIO(thumbnail(picture("JPEG", (1200, 800), exif), "image/jpeg", 120)))
    assert small.size == (120, 180)
    assert not small.getexif()


def test_a_broken_picture_has_no_thumbnail() -> None:
    with pytest.raises(FileTypeRefused, match="已损坏"):
        thumbnail(picture("PNG")[:2000], "image/png", 100)


def test_only_a_picture_has_a_thumbnail() -> None:
    with pytest.raises(FileTypeRefused, match="只有图片"):
        thumbnail(pdf(), "application/pdf", 100)
