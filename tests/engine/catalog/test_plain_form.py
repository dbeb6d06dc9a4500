"""The form of a task that has none: names and values."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from engine.catalog.form_feel import is_feel, read
from engine.catalog.plain_form import labelled, opened, plain_form, taken

CONTEXT = {"收入": 1200, "note": "旧", "ok": False, "list": [1, 2], "none": None, "digits": "007"}
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_each_variable_is_a_field_of_its_kind() -> None:
    kinds = {one.label: one.type for one in plain_form(CONTEXT).fields if one.label in CONTEXT}
    assert kinds == {
        "收入": "number",
        "note": "textfield",
        "ok": "checkbox",
        "list": "textarea",
        "none": "textfield",
        "digits": "textfield",
    }


def test_what_is_changed_or_added_is_taken_and_nothing_else() -> None:
    typed = opened(CONTEXT)
    by_name = dict(zip(CONTEXT, typed, strict=True))
    typed |= {by_name["note"]: "新", by_name["ok"]: True, by_name["list"]: "[3]", by_name["digits"]: "008"}
    typed["anju_more"] = [
        {"anju_name": "amount", "anju_value": "12.5"},
        {"anju_name": " who ", "anju_value": "王敏"},
        {"anju_name": "", "anju_value": "x"},
    ]
    assert taken(typed, CONTEXT) == {
        "note": "新",
        "ok": True,
        "list": [3],
        "digits": "008",
        "amount": 12.5,
        "who": "王敏",
    }


@given(st.dictionaries(st.text(min_size=1, max_size=12), _json, max_size=4))
@example({"=": None})
def test_a_form_handed_in_as_it_was_opened_changes_nothing(context: dict[str, object]) -> None:
    plain_form(context)
    assert taken({**opened(context), "anju_more": []}, context) == {}
    assert [name for name, _ in labelled(context)] == sorted(context)


@given(st.builds("{}{}".format, st.sampled_from(("=", "{{", "{{x}}", "=1+1", "")), st.text(max_size=12)))
@example("=")
@example('="\\\b\f\x00')
def test_a_variable_is_called_what_it_is_called(name: str) -> None:
    label = plain_form({name: 1}).schema["components"][0]["label"]
    assert (read(label).ask({}) if is_feel(label) else label) == name


def test_a_program_gives_variables_as_they_are() -> None:
    assert taken({"note": "x", "new": [1]}, CONTEXT) == {"note": "x", "new": [1]}
