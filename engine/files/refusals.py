"""Why an upload was refused; each message says what is allowed instead."""

from __future__ import annotations

from engine.core.errors import Refused


class FileTooLarge(Refused):
    """More bytes than may be uploaded."""

    code = "file_too_large"


class FileTypeRefused(Refused):
    """Not a file of an allowed kind, or one that cannot be used; ``code`` tells why."""

    code = "file_type_refused"


def damaged(what: str) -> FileTypeRefused:
    """``what`` names the kind of file in Chinese."""
    return FileTypeRefused(f"{what}已损坏或不完整，请重新生成或拍照后上传", code="file_damaged")
