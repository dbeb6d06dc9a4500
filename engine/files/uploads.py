"""Which files are let in: judged by what they hold, never by what they are called."""

from __future__ import annotations

import io
import re
import struct
import unicodedata
import warnings
from dataclasses import dataclass

import filetype
from PIL import Image, ImageFile, ImageOps

from engine.core.errors import Refused
from engine.files.containers import check_pdf, container_kind
from engine.files.refusals import FileTooLarge, FileTypeRefused, damaged

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 60_000_000  # a phone's 48-megapixel picture passes, a bomb does not
MAX_NAME = 120  # characters, extension included

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "png": "image/png",
    "ofd": "application/ofd",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_IMAGE_FORMATS = {"jpg": "JPEG", "png": "PNG"}
_IMAGE_TYPES = {MEDIA_TYPES[extension] for extension in _IMAGE_FORMATS}
_ALLOWED = "可以上传 PDF、JPG、PNG、OFD、DOCX、XLSX 文件"
_BROKEN_IMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    struct.error,
)  # what Pillow raises on broken input
_PNG_END = b"IEND\xaeB`\x82"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # [MS-CFB] 2.2: old Office files and locked new ones
_ZIP_END = b"PK\x05\x06"
_TAIL = 65_557  # where the end of a zip may lie


@dataclass(frozen=True)
class Upload:
    """What a file turned out to be. ``size`` in bytes; ``extension`` without the dot; ``name`` fit for any disk."""

    media_type: str
    extension: str
    size: int
    name: str


def inspect(content: bytes, filename: str, max_bytes: int = MAX_BYTES) -> Upload:
    """Tell what the content is, or refuse it.

    Raises ``FileTooLarge`` and ``FileTypeRefused`` (codes: ``file_empty``, ``file_type_refused``, ``file_damaged``,
    ``file_encrypted``, ``file_active_content``, ``file_image_too_large``).
    """
    if not content:
        raise FileTypeRefused("文件是空的，请重新选择", code="file_empty")
    if len(content) > max_bytes:
        limit, size = _megabytes(max_bytes), _megabytes(len(content))
        raise FileTooLarge(f"文件大小为 {size}，超过 {limit} 的上限，请压缩或分开后再上传")
    extension = _kind(content)
    if extension == "pdf":
        check_pdf(content)
    elif extension in _IMAGE_FORMATS:
        _check_image(content, extension)
    return Upload(MEDIA_TYPES[extension], extension, len(content), clean_name(filename, extension))


def clean_name(filename: str, extension: str) -> str:
    """The last part of the path, without control or reserved characters, with the extension of its content."""
    text = unicodedata.normalize("NFC", re.split(r"[/\\]", filename)[-1])
    text = "".join(character for character in text if unicodedata.category(character)[0] != "C")
    stem = re.sub(r"\.[A-Za-z][A-Za-z0-9]{0,4}$", "", re.sub(r'[<>:"|?*]', "_", text)).strip(" .")
    return (stem[: MAX_NAME - len(extension) - 1].rstrip(" .") or "附件") + "." + extension


def thumbnail(content: bytes, media_type: str, width: int) -> bytes:
    """A PNG at most ``width`` pixels wide and twice as high, upright, without the camera's data.

    Raises ``FileTypeRefused`` for what is no image or is damaged.
    """
    if media_type not in _IMAGE_TYPES:
        raise FileTypeRefused("只有图片才有缩略图")
    target = io.BytesIO()
    with _opened(content) as image:
        image.draft("RGB", (width * 2, width * 4))
        try:
            upright = ImageOps.exif_transpose(image)
        except _BROKEN_IMAGE as error:
            raise damaged("图片") from error
        small = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        small.thumbnail((width, width * 2))
        small.info.clear()
        small.save(target, "PNG")
    return target.getvalue()


def _kind(content: bytes) -> str:
    guess = filetype.guess(content)
    kind = guess.extension if guess is not None else ""
    if content.startswith(b"%PDF-"):
        return "pdf"
    if kind in _IMAGE_FORMATS:
        return str(kind)
    if content.startswith(b"PK\x03\x04"):
        found = container_kind(content)
        if found:
            return found
    if kind in {"heic", "heif", "avif"}:
        raise FileTypeRefused(f"不支持 HEIC 照片，请在手机相机设置中选择“兼容性最佳”或另存为 JPG 后上传；{_ALLOWED}")
    if content.startswith(_OLE):
        raise FileTypeRefused(f"不支持旧版 DOC、XLS 或设了密码的文档，请取消密码并另存为新格式后上传；{_ALLOWED}")
    raise FileTypeRefused(f"不支持这种文件（按文件内容判断，与文件名无关）；{_ALLOWED}")


def _check_image(content: bytes, extension: str) -> None:
    """Whole, of a bearable size, and nothing but an image."""
    if extension == "png" and not content.endswith(_PNG_END):
        raise damaged("图片")
    if _ZIP_END in content[-_TAIL:] or b"%PDF-" in content[:1024]:
        raise FileTypeRefused(f"图片里夹带了其他文件，请重新拍照或截图后上传；{_ALLOWED}")
    with _opened(content) as image:
        if image.format not in {_IMAGE_FORMATS[extension], "MPO"}:
            raise damaged("图片")
        # An eighth of the size is enough to see whether a JPEG is whole.
        image.draft("L", (image.width // 8 or 1, image.height // 8 or 1))
        try:
            image.load()
        except _BROKEN_IMAGE as error:
            raise damaged("图片") from error


def _opened(content: bytes) -> Image.Image:
    """The image with its header read and its size judged, not yet decoded."""
    # Importing WeasyPrint switches Pillow, for the whole process, to accept cut-off pictures.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            # Pillow warns of sizes that are judged here, by our own limit.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=["JPEG", "PNG"])
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except _BROKEN_IMAGE as error:
        raise damaged("图片") from error
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()
    return image


def _too_many_pixels() -> Refused:
    limit = MAX_PIXELS // 10_000
    return FileTypeRefused(f"图片超过 {limit} 万像素，请缩小后再上传", code="file_image_too_large")


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f}".removesuffix(".0") + " MB"
