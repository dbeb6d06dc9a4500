import pytest

from engine.files.uploads import MAX_NAME, clean_name


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("收入证明.PDF", "收入证明.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        (r"C:\Users\me\合同.docx", "合同.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie_ x.pdf"),
        ("gpj.\u202efdp.exe", "gpj.fdp.pdf"),
        ('<img src="x">?.pdf', "_img src=_x___.pdf"),
        ("2026.11.22 工资", "2026.11.22 工资.pdf"),
        ("...", "附件.pdf"),
        ("", "附件.pdf"),
        (".pdf", "附件.pdf"),
        ("e\u0301.pdf", "\u00e9.pdf"),
    ],
)
def test_a_name_is_fit_for_any_disk_and_header(given: str, cleaned: str) -> None:
    assert clean_name(given, "pdf") == cleaned


def test_a_long_name_keeps_its_extension() -> None:
    name = clean_name("长" * 500 + ".docx", "docx")
    assert len(name) == MAX_NAME
    assert name.endswith("长.docx")
