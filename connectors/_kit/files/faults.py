"""What is wrong in a file, told by place; never by content, which may name a person."""

from __future__ import annotations

from engine.core.errors import OutsideFault


class Misfit(ValueError):
    """A value does not fit its field; whoever knows the place makes a ``FileFault`` or ``Refused`` of it."""


class FileFault(OutsideFault):
    """A file is not as agreed. ``line`` and ``column`` count from 1; 0 where the whole file or line is meant."""

    code = "bad_file"

    def __init__(self, file: str, line: int, column: int, reason: str, field: str = "") -> None:
        place = f"第 {line} 行" if line else ""
        place += f"第 {column} 列" if column else ""
        place += f"（{field}）" if field else ""
        super().__init__(f"文件「{file}」{place}：{reason}")
        self.file, self.line, self.column, self.field, self.reason = file, line, column, field, reason
