"""Who may see and change which field: rules of item.yaml and of the form, kept by the server."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.catalog.forms import compile_form
from engine.catalog.item import Item
from engine.catalog.visibility import Access, access_of, acting_roles, form_for, rules, with_hidden
from engine.core.errors import ModelFault

FORM = compile_form(
    {
        "id": "f",
        "type": "default",
        "components": [
            {
                "type": "group",
                "id": "g",
                "path": "applicant",
                "label": "申请人",
                "components": [
                    {"type": "textfield", "id": "name", "key": "name", "label": "姓名"},
                    {
                        "type": "textfield",
                        "id": "income",
                        "key": "income",
                        "label": "收入",
                        "properties": {"visible_to": "finance, approval"},
                    },
                ],
            },
            {"type": "textfield", "id": "note", "key": "note", "label": "备注"},
            {
                "type": "dynamiclist",
                "id": "l",
                "path": "members",
                "label": "成员",
                "components": [
                    {"type": "textfield", "id": "mname", "key": "name", "label": "姓名"},
                    {"type": "textfield", "id": "mphone", "key": "phone", "label": "电话"},
                ],
            },
        ],
    }
)
BEFORE: dict[str, Any] = {
    "applicant": {"name": "甲", "income": "100"},
    "note": "旧",
    "members": [{"name": "乙", "phone": "1"}, {"name": "丙", "phone": "2"}],
}


def item(*lines: dict[str, Any]) -> Item:
    return Item({"fields": list(lines)})


def test_without_rules_nothing_is_hidden_beyond_what_the_form_itself_says() -> None:
    assert access_of(item(), FORM, ["review"]).hidden == {"applicant.income"}
    assert access_of(item(), FORM, ["finance"]).hidden == frozenset()


def test_the_last_line_that_fits_counts_and_a_group_stands_for_all_in_it() -> None:
    rights = item(
        {"path": "applicant", "access": "hidden"}, {"path": "applicant", "roles": ["approval"], "access": "read"}
    )
    assert access_of(rights, FORM, ["review"]).hidden == {"applicant.name", "applicant.income"}
    assert access_of(rights, FORM, ["approval"]).kept == {"applicant.name", "applicant.income"}


def test_a_line_for_a_step_counts_at_that_step_alone() -> None:
    rights = item({"path": "note", "steps": ["verify"], "access": "read"})
    assert access_of(rights, FORM, ["finance"], "verify").kept == {"note"}
    assert access_of(rights, FORM, ["finance"], "approve").kept == frozenset()


def test_whoever_holds_two_roles_sees_what_one_of_them_sees_but_works_in_the_tasks_role() -> None:
    rights = item({"path": "note", "roles": ["review"], "access": "hidden"})
    assert not access_of(rights, FORM, ["review", "finance"]).hides("note")
    assert acting_roles("review", ["review", "finance"], works=True) == {"review"}
    assert access_of(rights, FORM, acting_roles("review", ["finance"], works=True)).hides("note")


def test_a_line_that_cannot_be_read_is_a_fault_of_the_model() -> None:
    with pytest.raises(ModelFault):
        rules(item({"path": "note", "access": "sometimes"}))


def test_what_was_not_shown_cannot_be_answered_and_stays_as_it_was() -> None:
    access = access_of(item(), FORM, ["review"])
    forged = {"applicant": {"name": "丁", "income": "999"}, "note": "新", "members": BEFORE["members"]}
    clean = form_for(FORM, access).clean(forged, BEFORE)
    kept = with_hidden(FORM, access, clean, BEFORE)
    assert kept["applicant"] == {"name": "丁", "income": "100"}
    assert kept["note"] == "新"


def test_what_may_only_be_read_keeps_its_value_whatever_is_sent() -> None:
    access = access_of(item({"path": "note", "access": "read"}), FORM, ["finance"])
    clean = form_for(FORM, access).clean({"applicant": BEFORE["applicant"], "note": "改", "members": []}, BEFORE)
    assert clean["note"] == "旧"


def test_a_list_with_a_hidden_column_is_kept_as_a_whole() -> None:
    access = access_of(item({"path": "members.phone", "access": "hidden"}), FORM, ["finance"])
    schema = str(form_for(FORM, access).schema)
    assert "mphone" not in schema
    clean = form_for(FORM, access).clean({**BEFORE, "members": [{"name": "戊"}]}, BEFORE)
    assert with_hidden(FORM, access, clean, BEFORE)["members"] == BEFORE["members"]


PLACES = ["applicant", "applicant.name", "applicant.income", "note", "members", "members.name", "members.phone"]


@given(some.sets(some.sampled_from(PLACES)))
def test_nothing_hidden_is_left_anywhere_and_nothing_else_is_lost(hidden: set[str]) -> None:
    access = Access(frozenset(hidden))
    given_values = deepcopy(BEFORE)
    shown = access.prune(given_values)
    assert given_values == BEFORE, "what was given is not touched"
    for place in PLACES:
        assert _stands(shown, place) == (not access.hides(place)), place


def _stands(values: Any, place: str) -> bool:
    head, _, rest = place.partition(".")
    if isinstance(values, list):
        return all(_stands(one, place) for one in values)
    if head not in values:
        return False
    return _stands(values[head], rest) if rest else True
