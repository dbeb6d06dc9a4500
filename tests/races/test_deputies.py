"""A deputy acts while the grant is taken back, and turns are taken at the same moment."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from engine.cases.record import verify
from engine.cases.work import Task
from engine.commands import dispatch
from engine.commands.deputies import NameDeputies, RevokeDeputy, Share
from engine.commands.tasks import CompleteTask
from engine.core import clock
from engine.core.db import reading
from engine.registers.deputies import Deputy
from tests.engine.commands.test_assigning import hired, number_of, rule
from tests.races.test_at_once import at_once, codes
from tests.support.installation import FAMILY, Installation

ACCEPTED = {"accept_result": "accepted", "accept_opinion": "材料齐全"}


def test_a_grant_taken_back_while_the_deputy_submits_came_before_or_after_never_between(
    anju_both: Installation,
) -> None:
    anju = anju_both
    task = anju.tasks(anju.apply().case_id)["accept"]
    clerk = anju.staff("liuyang")
    span = {"from_at": clock.now(), "until_at": clock.now() + timedelta(days=1)}
    [grant] = dispatch(NameDeputies(shares=(Share(anju.staff("wangmin").id),), **span), clerk)
    deputy = anju.staff("wangmin")
    submitted, revoked = at_once(
        lambda: dispatch(CompleteTask(task.id, ACCEPTED, task.version), deputy),
        lambda: dispatch(RevokeDeputy(grant), clerk),
    )
    with reading() as session:
        row, done = session.get_one(Deputy, grant), session.get_one(Task, task.id)
        assert (revoked, row.revoked_at is not None) == (None, True)
        assert (done.state, submitted) in (("open", "forbidden"), ("done", submitted))
        assert done.state == "open" or done.done_by_name == "王敏（代 刘洋）"
        assert verify(session, task.case_id) is None


def test_turns_taken_at_the_same_moment_stay_fair_within_one(anju_both: Installation) -> None:
    anju = anju_both
    rule(anju, accept="round_robin")
    for login in ("third", "fourth"):
        hired(anju, login, "acceptance")
    people = [{**FAMILY["applicant"], "id_number": number_of(number)} for number in range(4)]
    found = at_once(*(lambda one=one: anju.apply(applicant=one, co_applicants=[]) for one in people))
    assert codes(found) == {"done": 4}
    given = Counter(anju.tasks(one.case_id)["accept"].assignee for one in found)
    assert sorted(given.values()) == [1, 1, 1, 1]
