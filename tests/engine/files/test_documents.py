"""Documents say what the facts say, refuse what is missing, and run nothing."""

import base64
import io
from typing import Any

import pytest
from pypdf import PdfReader

from engine.core.errors import ModelFault
from engine.files import system
from engine.files.documents import PdfUnavailable, qr_svg_data_uri, render_html, render_pdf, text_of

pdf = pytest.mark.skipif(bool(system.blocking()), reason="；".join(system.blocking()))
FACTS: dict[str, Any] = {
    "applicant": {"name": "张建国", "id_number": "440802199001011234", "phone": "13812345678"},
    "rent_fen": 1000050,
    "homes": [{"address": "赤坎区1号", "items": "厨房"}, {"address": "霞山区2号", "items": "阳台"}],
    "decided_on": "2026-11-22",
    "nothing": None,
    "granted": True,
}


def render(text: str, **others: str) -> str:
    return render_html("notice.html", FACTS, {"notice.html": text, **others})


def fault_of(text: str, **others: str) -> Any:
    with pytest.raises(ModelFault) as caught:
        render(text, **others)
    return caught.value.faults[0]


def pdf_text(content: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


# --- templates ------------------------------------------------------------------------------------------------------


def test_a_notice_is_filled_with_facts_and_filters() -> None:
    html = render(
        "<p>{{ applicant.name|mask_name }} {{ applicant.id_number|mask_id }} {{ applicant.phone|mask_phone }}</p>"
        "<p>{{ rent_fen|yuan }} {{ rent_fen|cn_amount }}</p><p>{{ decided_on|cn_date }}</p>"
    )
    assert text_of(html).split("\n") == [
        "张*国 4408**********1234 138****5678",
        "10,000.50 人民币壹万元零伍角",
        "2026年11月22日",
    ]


def test_a_template_may_use_others_of_its_release() -> None:
    base = "<h1>{% block title %}{% endblock %}</h1>"
    html = render("{% extends 'base.html' %}{% block title %}准予{% endblock %}", **{"base.html": base})
    assert html == "<h1>准予</h1>"


def test_facts_are_escaped_wherever_they_are_printed() -> None:
    templates = {"t": "<b>{{ a }}</b>{{ [a, a]|join('<') }}{{ a|upper }}"}
    html = render_html("t", {"a": "<i>&"}, templates)
    assert html == "<b>&lt;i&gt;&amp;</b>&lt;i&gt;&amp;&lt;&lt;i&gt;&amp;&lt;I&gt;&amp;"


def test_a_key_wins_over_a_method_of_the_same_name() -> None:
    assert render("{% for home in homes %}{{ home.items }}{{ loop.index }}{% endfor %}") == "厨房1阳台2"


def test_a_missing_fact_names_template_line_and_the_likely_one() -> None:
    fault = fault_of("<p>\n{{ aplicant.name }}</p>")
    assert (fault.code, fault.file, fault.line) == ("document_fact_missing", "notice.html", 2)
    assert fault.hint == "是否想写「applicant」"


def test_a_missing_field_inside_an_included_template_is_found_there() -> None:
    fault = fault_of("\n{% include 'part.html' %}", **{"part.html": "\n\n{{ applicant.nmae }}"})
    assert (fault.file, fault.line, fault.hint) == ("part.html", 3, "是否想写「name」")
    assert "nmae" in fault.message


@pytest.mark.parametrize(
    "text", ["{% if aplicant %}x{% endif %}", "{% for x in hom %}{% endfor %}", "{{ homes[7].address }}"]
)
def test_a_missing_fact_is_never_taken_for_empty(text: str) -> None:
    assert fault_of(text).code == "document_fact_missing"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{{ nothing }}", "空值"),
        ("{{ granted }}", "真假"),
        ("{{ homes }}", "一组值"),
        ("{{ applicant }}", "一组值"),
        ("{{ homes|map(attribute='address') }}", "一组值"),
    ],
)
def test_a_value_that_is_no_text_is_not_printed(text: str, word: str) -> None:
    fault = fault_of(text)
    assert fault.code == "document_expression"
    assert word in fault.message


def test_an_optional_fact_has_a_word_for_nothing() -> None:
    assert render("{{ nothing or '—' }}{{ remark|default('无') }}") == "—无"


def test_a_wrong_kind_of_fact_is_a_fault_that_quotes_nothing_personal() -> None:
    fault = fault_of("\n\n{{ applicant.id_number|yuan }}")
    assert (fault.code, fault.line) == ("document_expression", 3)
    assert "4408" not in str(fault)


def test_a_syntax_error_names_its_line() -> None:
    fault = fault_of("<p>\n{% if %}</p>")
    assert (fault.code, fault.line) == ("document_template_syntax", 2)


def test_an_unknown_filter_is_told_with_the_likely_one() -> None:
    assert fault_of("{{ rent_fen|yaun }}").hint == "是否想写「yuan」"


def test_an_unknown_template_is_told_with_the_likely_one() -> None:
    assert fault_of("{% include 'prat.html' %}", **{"part.html": ""}).hint == "是否想写「part.html」"
    with pytest.raises(ModelFault) as caught:
        render_html("notise.html", {}, {"notice.html": ""})
    assert caught.value.faults[0].hint == "是否想写「notice.html」"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ homes.__class__.__base__.__subclasses__() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ range.__globals__ }}",
        "{{ '{0.__class__}'.format(rent_fen) }}",
        "{{ homes.append(1) }}",
        "{{ homes|attr('__class__') }}",
        "{{ homes|map(attribute='__class__')|first }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ dict.mro() }}",
        "{% for x in homes %}{{ loop.__class__ }}{% endfor %}",
        "{% macro m() %}{% endmacro %}{{ m._environment }}{{ m.__class__ }}",
        "{{ self._TemplateReference__context.environment }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ applicant.name|safe }}",
        "{% autoescape false %}{{ applicant.name }}{% endautoescape %}",
    ],
)
def test_a_template_cannot_get_out_of_its_sandbox(text: str) -> None:
    assert fault_of(text).code in {
        "document_template_forbidden",
        "document_template_syntax",
        "document_fact_missing",
    }


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(9000) %}{% for b in range(9000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000000) %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ 'x'.ljust(999999999) }}",
        "{{ (['x' * 1000000] * 9000)|join }}",
        "{% set n = namespace(s='xx') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "{% set n = namespace(s='xx') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
        "{% set n = namespace(i=99) %}{% for i in range(60) %}{% set n.i = n.i * n.i %}{% endfor %}",
        "{% set n = namespace(s='xx') %}{% for i in range(60) %}{% set n.s %}{{ n.s * 2 }}{% endset %}{% endfor %}",
        "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
        "{% for a in range(9000) %}{{ 'x' * 1000 }}{% endfor %}",
        "{% for a in homes recursive %}{{ loop(homes) }}{% endfor %}",
    ],
)
def test_a_runaway_template_is_stopped(text: str) -> None:
    assert fault_of(text).code in {
        "document_too_large",
        "document_template_forbidden",
        "document_template_syntax",
        "document_expression",
    }


def test_plain_text_leaves_out_style_and_keeps_words_together() -> None:
    html = "<head><title>T</title><style>p{}</style></head><p>准<b>予</b>&amp;\n公示</p><table><tr><td>甲<td>乙</table>"
    assert text_of(html) == "准予& 公示\n甲 乙"


# --- PDF ------------------------------------------------------------------------------------------------------------


@pdf
def test_the_pdf_holds_the_chinese_text_rare_characters_too() -> None:
    content = render_pdf("<h1>保障资格准予通知书</h1><p>申请人：龑垚，住赤坎区㙍塘村</p>")
    text = pdf_text(content)
    for words in ("保障资格准予通知书", "申请人：龑垚", "㙍塘村"):
        assert words in text


@pdf
def test_the_pdf_is_a4_says_its_language_and_is_the_same_every_time() -> None:
    html = "<p>同一份通知</p>"
    content = render_pdf(html)
    reader = PdfReader(io.BytesIO(content))
    assert reader.root_object["/Lang"] == "zh-CN"
    assert [round(side) for side in reader.pages[0].mediabox[2:]] == [595, 842]
    assert content == render_pdf(html)


@pdf
def test_a_qr_code_is_drawn_from_a_data_address() -> None:
    address = qr_svg_data_uri("https://example.org/verify?code=ABCD-1234")
    assert address.startswith("data:image/svg+xml")
    html = render_html(
        "t", {"link": "https://example.org/v?c=1"}, {"t": '<img width="90" src="{{ link|qr }}"><p>验证</p>'}
    )
    with_code, without = render_pdf(html), render_pdf("<p>验证</p>")
    assert len(drawn(with_code)) > len(drawn(without)) + 1000


def drawn(content: bytes) -> bytes:
    """Everything that the first page paints, its forms included."""
    page = PdfReader(io.BytesIO(content)).pages[0]
    forms: Any = page["/Resources"].get_object()  # type: ignore[union-attr]
    parts = [form.get_object().get_data() for form in forms.get("/XObject", {}).values()]
    contents = page.get_contents()
    return (contents.get_data() if contents is not None else b"") + b"".join(parts)


@pdf
@pytest.mark.parametrize(
    "html",
    [
        "<img src='http://127.0.0.1:9/a.png'>",
        "<img src='file:///etc/hostname'>",
        "<link rel=stylesheet href='https://example.org/a.css'>",
        "<style>@import url(http://127.0.0.1:9/a.css)</style>",
        "<style>p{background:url(//127.0.0.1/a.png)}</style><base href='http://127.0.0.1:9/'><p>x</p>",
        "<link rel=attachment href='file:///etc/hostname'>",
        "<img src='data:image/svg+xml;base64,{}'>".format(
            base64.b64encode(
                b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
                b'<image href="file:///etc/hostname" width="9" height="9"/></svg>'
            ).decode()
        ),
    ],
)
def test_a_document_that_refers_to_the_outside_is_refused(html: str) -> None:
    with pytest.raises(ModelFault, match="外部地址") as caught:
        render_pdf(html)
    assert caught.value.code == "document_remote_address"


def test_a_machine_without_pango_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "blocking", lambda: ["缺少Pango。请执行：apt-get install -y libpango-1.0-0"])
    with pytest.raises(PdfUnavailable, match="apt-get install"):
        render_pdf("<p>x</p>")
