"""Releases by content, parameters by date: what a case began with it keeps."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from engine.catalog import parameters, releases
from engine.catalog.releases import Blob, Release
from engine.commands import dispatch, publish
from engine.commands.admin import SetParameter
from engine.commands.cases import WithdrawCase
from engine.commands.publish import PublishItem
from engine.core import clock
from engine.core.actor import SYSTEM
from engine.core.config import ROOT
from engine.core.db import reading
from engine.core.errors import Forbidden, ModelFault, NotFound
from tests.support.installation import ITEM, Installation

FORM = "forms/rental/eligibility_application/accept.form"
LINE = "income_line_public_rental_fen"


def changed(old: str = '"label": "', new: str = '"label": "新') -> dict[str, bytes]:
    files = publish.collect(ROOT, ITEM)
    assert old.encode() in files[FORM]
    return {**files, FORM: files[FORM].replace(old.encode(), new.encode(), 1)}


def count(table: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def in_force(on: date) -> object:
    with reading() as session:
        view = releases.view(session, releases.current_id(session, ITEM))
        return parameters.in_force(session, view, on)[LINE]


def test_the_same_content_is_the_same_release(anju_both: Installation) -> None:
    before = count(Release), count(Blob)
    again = dispatch(PublishItem(ITEM, publish.collect(ROOT, ITEM)), SYSTEM)
    backwards = dict(reversed(publish.collect(ROOT, ITEM).items()))
    assert dispatch(PublishItem(ITEM, backwards), SYSTEM).release_id == again.release_id
    assert (count(Release), count(Blob)) == before


def test_a_change_is_a_new_version_and_only_the_changed_file_is_stored_anew(anju: Installation) -> None:
    blobs = count(Blob)
    first = dispatch(PublishItem(ITEM, publish.collect(ROOT, ITEM)), SYSTEM)
    second = dispatch(PublishItem(ITEM, changed()), SYSTEM)
    assert second.version == first.version + 1
    assert count(Blob) == blobs + 1


def test_a_running_case_stays_with_the_release_it_began_with(anju: Installation) -> None:
    old = anju.apply().case_id
    dispatch(PublishItem(ITEM, changed()), SYSTEM)
    anju.do(old, "accept", "liuyang", {"accept_result": "accepted"})
    pinned = anju.case(old).release_id
    dispatch(WithdrawCase(old), anju.citizen())
    new = anju.apply().case_id
    assert anju.case(new).release_id != pinned
    assert anju.case(old).release_id == pinned
    with reading() as session:
        labels = [
            releases.view(session, anju.case(one).release_id).files[FORM].count('"label": "新'.encode())
            for one in (old, new)
        ]
    assert labels == [0, 1]


def test_going_back_to_older_content_makes_that_release_current_again(anju: Installation) -> None:
    with reading() as session:
        first = releases.current_id(session, ITEM)
    dispatch(PublishItem(ITEM, changed()), SYSTEM)
    assert dispatch(PublishItem(ITEM, publish.collect(ROOT, ITEM)), SYSTEM).release_id == first
    with reading() as session:
        assert releases.current_id(session, ITEM) == first
        assert session.scalar(select(func.count()).where(Release.item == ITEM, Release.current.is_(True))) == 1


def test_what_does_not_hold_together_is_not_published(anju: Installation) -> None:
    before = count(Release)
    files = publish.collect(ROOT, ITEM)
    del files[FORM]
    with pytest.raises(ModelFault) as fault:
        dispatch(PublishItem(ITEM, files), SYSTEM)
    assert {one.code for one in fault.value.faults} == {"unknown_form"}
    assert count(Release) == before


def test_only_an_analyst_publishes(anju: Installation) -> None:
    with pytest.raises(Forbidden):
        dispatch(PublishItem(ITEM, publish.collect(ROOT, ITEM)), anju.staff("liuyang"))


def test_an_item_nobody_published_cannot_be_applied_for(anju: Installation) -> None:
    with reading() as session, pytest.raises(NotFound):
        releases.current_id(session, "rental/nothing")


def test_a_parameter_holds_from_its_day_on_and_the_older_value_until_then(anju: Installation) -> None:
    # Declared: 450000 from 2024, 500000 from 2026.
    assert in_force(date(2025, 12, 31)) == 450000
    assert in_force(date(2026, 1, 1)) == 500000
    day = clock.today() + timedelta(days=10)
    dispatch(SetParameter(ITEM, LINE, 520000, day), SYSTEM)
    assert in_force(day - timedelta(days=1)) == 500000
    assert in_force(day) == 520000


def test_of_two_values_for_the_same_day_the_one_set_later_holds(anju: Installation) -> None:
    day = clock.today()
    dispatch(SetParameter(ITEM, LINE, 510000, day), SYSTEM)
    anju.move(timedelta(seconds=1))
    dispatch(SetParameter(ITEM, LINE, 515000, day), SYSTEM)
    assert in_force(day) == 515000
