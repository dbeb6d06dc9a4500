"""From a template and facts to HTML, from HTML to PDF."""

from __future__ import annotations

import difflib
import io
import re
import threading
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any

import segno
from jinja2.exceptions import (
    SecurityError,
    TemplateNotFound,
    TemplateRuntimeError,
    TemplateSyntaxError,
)

from engine.core.errors import AnjuError, Fault, ModelFault
from engine.core.masks import mask_id, mask_name, mask_phone
from engine.files import system
from engine.files.formats import cn_amount, cn_date, yuan
from engine.files.sandbox import MAX_CHARACTERS, MissingFact, Sandbox, TooMuchWork

# What an expression of a template can raise on facts of another kind than it expects.
_EXPRESSION_ERRORS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)

_BASE_CSS = """
@page { size: A4; margin: 25mm 24mm }
html { font-family: "Noto Serif CJK SC", "Source Han Serif SC", "Songti SC", SimSun, "Noto Sans CJK SC", serif;
       font-size: 12pt; line-height: 1.7 }
"""


class PdfUnavailable(AnjuError):
    """This machine lacks what PDF needs; the message holds the line that installs it."""

    code = "pdf_unavailable"


def qr_svg_data_uri(text: str) -> str:
    """A QR code (ISO/IEC 18004, level M) as a ``data:`` URI for ``<img src>``."""
    return str(segno.make(text, error="m", micro=False).svg_data_uri(border=2))


def qr_svg(text: str) -> bytes:
    """The same as an SVG file of its own, for pages that allow no ``data:`` addresses."""
    target = io.BytesIO()
    segno.make(text, error="m", micro=False).save(target, kind="svg", border=2, scale=6)
    return target.getvalue()


FILTERS: Mapping[str, Callable[..., Any]] = {
    "yuan": yuan,
    "cn_amount": cn_amount,
    "cn_date": cn_date,
    "mask_id": mask_id,
    "mask_name": mask_name,
    "mask_phone": mask_phone,
    "qr": qr_svg_data_uri,
}


def render_html(template: str, facts: Mapping[str, Any], templates: Mapping[str, str]) -> str:
    """Fill the template of that name; ``templates`` (name → text) are all it may include or extend.

    Everything printed is escaped. Raises ``ModelFault`` with file and line for a fact that is not there, an expression
    that does not fit its facts, forbidden code, and work or output beyond the limits of ``engine.files.sandbox``.
    """
    environment = Sandbox(templates, FILTERS)
    parts: list[str] = []
    size = 0
    try:
        for part in environment.get_template(template).generate(facts):
            size += len(part)
            if size > MAX_CHARACTERS:
                raise TooMuchWork(f"文书超过 {MAX_CHARACTERS} 字")
            parts.append(part)
    except TemplateNotFound as error:
        raise ModelFault(_unknown_template(error, template, templates)) from error
    except TemplateSyntaxError as error:
        raise ModelFault(_syntax_fault(error, template)) from error
    except (TemplateRuntimeError, *_EXPRESSION_ERRORS) as error:
        file, line = _place(error, template, templates)
        raise ModelFault(_runtime_fault(error, file, line, facts)) from error
    return "".join(parts)


def _unknown_template(error: TemplateNotFound, template: str, templates: Mapping[str, str]) -> Fault:
    hint = _did_you_mean(str(error.name), templates) or "文书模板放在该事项的 forms 目录下，并随版本发布"
    return Fault("document_template_unknown", f"没有名为「{error.name}」的文书模板", file=template, hint=hint)


def _syntax_fault(error: TemplateSyntaxError, template: str) -> Fault:
    message = error.message or ""
    unknown = re.match(r"No filter named '(.+)'", message)
    hint = _did_you_mean(unknown[1], [*FILTERS, "default", "join"]) if unknown else ""
    text = f"不能使用过滤器「{unknown[1]}」" if unknown else f"模板语法有误：{message}"
    return Fault("document_template_syntax", text, file=error.name or template, line=error.lineno, hint=hint)


def _runtime_fault(error: Exception, file: str, line: int, facts: Mapping[str, Any]) -> Fault:
    if isinstance(error, MissingFact):
        owner = facts if error.owner is None else error.owner
        hint = _did_you_mean(error.name, owner) if isinstance(owner, Mapping) else ""
        return Fault("document_fact_missing", f"文书需要的「{error.name}」不存在", file=file, line=line, hint=hint)
    if isinstance(error, TooMuchWork):
        return Fault("document_too_large", str(error), file=file, line=line, hint="请检查循环的范围")
    if isinstance(error, SecurityError):
        return Fault("document_template_forbidden", f"模板使用了不允许的写法：{error}", file=file, line=line)
    # The text of Python's own error may quote a fact: only its kind is told.
    reason = str(error) if isinstance(error, TemplateRuntimeError) else f"表达式与数据不符（{type(error).__name__}）"
    return Fault("document_expression", reason, file=file, line=line)


def _place(error: Exception, template: str, templates: Mapping[str, str]) -> tuple[str, int]:
    """The innermost template and line among the frames of the error."""
    place = (template, 0)
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename in templates:
            place = (step.tb_frame.f_code.co_filename, step.tb_lineno)
        step = step.tb_next
    return place


def _did_you_mean(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, [str(key) for key in known], n=1)
    return f"是否想写「{near[0]}」" if near else ""


# --- PDF ----------------------------------------------------------------------------------------------------------

_drawing = threading.Lock()  # fontconfig and Pango are not safe to enter from two threads


def render_pdf(html: str, css: str = "") -> bytes:
    """A4 pages, laid out by ``css`` too. The same HTML on the same machine gives the same bytes.

    Nothing is fetched: an address other than ``data:`` is refused with ``ModelFault``. Raises ``PdfUnavailable`` where
    libraries or Chinese fonts are missing.
    """
    if missing := system.blocking():
        raise PdfUnavailable("；".join(missing))
    # Imported here: without Pango the import itself fails, and the engine must still start to say so.
    from weasyprint import CSS, HTML
    from weasyprint.urls import URLFetcher

    refused: list[str] = []

    class OnlyData(URLFetcher):
        def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
            if not url.lower().startswith("data:"):
                refused.append(url)
                raise ValueError("only data: is allowed")
            return super().fetch(url, headers)

    fetcher = OnlyData(allowed_protocols={"data"}, allow_redirects=False)
    with _drawing:
        document = HTML(string=html, url_fetcher=fetcher)
        document.etree_element.attrib.setdefault("lang", "zh-CN")
        content = document.write_pdf(stylesheets=[CSS(string=_BASE_CSS + css, url_fetcher=fetcher)])
    if refused:
        raise ModelFault(
            Fault(
                "document_remote_address",
                f"文书引用了外部地址 {refused[0][:100]}",
                hint="图片和样式请写在模板内，图片用 data: 地址",
            )
        )
    return bytes(content)


# --- plain text ---------------------------------------------------------------------------------------------------

_UNSEEN = frozenset({"script", "style", "title", "template"})
_INLINE = frozenset({"a", "abbr", "b", "bdi", "em", "i", "mark", "q", "small", "span", "strong", "sub", "sup", "u"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _UNSEEN
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _UNSEEN
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag not in _INLINE:
            self.parts.append("\t" if tag in {"td", "th"} else "\n")


def text_of(html: str) -> str:
    """What a reader sees, one line per block, without style or markup."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (re.sub(r"[ \t]+", " ", line).strip() for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)
