"""A decided case is looked at again: by whom, once at a time, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from engine.cases import record
from engine.cases.case import Case, LiveKey
from engine.commands import dispatch
from engine.commands.operate import CancelCase
from engine.commands.reviews import OpenReview
from engine.core.db import reading
from engine.core.errors import AnjuError, Duplicate
from engine.queries import portal, portal_case, reviews
from engine.registers.eligibilities import granted_by
from tests.support.decided import REVIEW, documents, granted, opened, paper, revoked
from tests.support.installation import Installation, running


@pytest.fixture(scope="module")
def decided(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """An installation with a family whose eligibility was granted."""
    folder = tmp_path_factory.mktemp("decided") / "data"
    with running(filled, folder) as anju:
        return folder, granted(anju).case_id


@pytest.fixture
def office(decided: tuple[Path, int], tmp_path: Path) -> Iterator[tuple[Installation, int]]:
    """A copy of it, and its case."""
    folder, case_id = decided
    with running(folder, tmp_path / "data") as anju:
        yield anju, case_id


def refusal(anju: Installation, case_id: int, item: str = REVIEW, document: int = 1, who: str = "wangmin") -> str:
    with pytest.raises(AnjuError) as caught:
        dispatch(OpenReview(case_id, item, document), anju.staff(who))
    return caught.value.code


def test_only_a_decided_case_and_a_paper_that_stands_can_be_looked_at_again(office: tuple[Installation, int]) -> None:
    anju, case_id = office
    notice = paper(case_id).id
    assert refusal(anju, case_id, document=notice, who="chenhao") == "forbidden"
    assert refusal(anju, case_id, document=notice, who="zhoujie") == "not_found"
    assert refusal(anju, case_id, item="rental/eligibility_application", document=notice) == "not_found"
    assert refusal(anju, case_id, document=documents(case_id)["acceptance_slip"].id) == "document_not_standing"
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 1


def test_a_case_that_is_still_decided_upon_cannot_be_looked_at_again(anju: Installation) -> None:
    assert refusal(anju, anju.apply().case_id) == "not_decided"


def test_one_review_at_a_time_and_another_when_it_is_over(office: tuple[Installation, int]) -> None:
    anju, case_id = office
    first = opened(anju, case_id)
    with pytest.raises(Duplicate):
        opened(anju, case_id)
    dispatch(CancelCase(first.case_id, "误发起"), anju.staff("sunqiang"))
    assert opened(anju, case_id).number != first.number


def test_whoever_began_it_has_the_first_task_and_both_cases_tell_of_each_other(
    office: tuple[Installation, int],
) -> None:
    anju, case_id = office
    started = opened(anju, case_id)
    actor = anju.staff("wangmin")
    assert anju.tasks(started.case_id)["propose"].assignee == actor.key
    with reading() as session:
        original = reviews.of_case(session, actor, case_id)
        review = reviews.of_case(session, actor, started.case_id)
        assert [line.number for line in original.lines] == [started.number]
        assert original.offers == []
        assert review.original == (case_id, anju.case(case_id).number)
        assert record.verify(session, case_id) is None


def test_what_was_revoked_is_nowhere_told_as_if_it_stood(office: tuple[Installation, int]) -> None:
    anju, case_id = office
    citizen = anju.citizen()
    with reading() as session:
        assert granted_by(session, case_id)["state"] == "active"  # type: ignore[index]
    started = revoked(anju, case_id)
    with reading() as session:
        told = granted_by(session, case_id)
        assert told is not None
        assert (told["state"], told["waiting_number"]) == ("revoked", None)
        rows = {row.number: row for row in portal.my_cases(session, citizen)}
        view = portal_case.case_view(session, citizen, case_id)
        assert [one.standing for one in view.documents if one.title.startswith("准予")] == ["已撤销"]
        assert record.verify(session, started.case_id) is None
        assert session.scalar(select(LiveKey.key).where(LiveKey.case_id == started.case_id)) is None
    assert rows[anju.case(case_id).number].outcome_title == "准予（已撤销）"
    assert view.changed is not None
    assert view.changed.number == started.number
    assert refusal(anju, case_id, document=documents(case_id)["notice_granted"].id) == "document_not_standing"


@pytest.mark.postgres
def test_of_two_who_begin_at_the_same_moment_one_is_told_so(anju_postgres: Installation) -> None:
    anju = anju_postgres
    case_id = granted(anju).case_id
    command = OpenReview(case_id, REVIEW, paper(case_id).id)
    actor = anju.staff("wangmin")

    def begin(_: int) -> str:
        try:
            dispatch(command, actor)
        except Duplicate as error:
            return error.code
        return "begun"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(begin, range(2))) == ["begun", "review_open"]
