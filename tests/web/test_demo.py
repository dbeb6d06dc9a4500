"""The demo begins with work to do: applications at several stages, made once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

from engine.cases.case import Case
from engine.core.db import reading
from tests.support.installation import Installation
from web import demo_applications


def stages(anju: Installation, cases: Sequence[Case]) -> Counter[str]:
    return Counter(element for case in cases for element in anju.tasks(case.id))


def test_the_demo_begins_with_applications_at_several_stages(anju: Installation) -> None:
    assert demo_applications.load(anju.parts) == 7
    with reading() as session:
        cases = session.scalars(select(Case).order_by(Case.number)).all()
    wanted = {"accept": 2, "first_review": 3, "verify": 1, "supplement": 1}
    # The land register calls back in its own time.
    limit = time.monotonic() + 20
    while (found := stages(anju, cases)) != wanted and time.monotonic() < limit:
        anju.drain()
        time.sleep(0.05)
    assert found == wanted, [anju.stuck(case.id) for case in cases]
    assert cases[0].due_on is not None
    assert cases[0].due_on < cases[-1].applied_on


def test_a_second_start_adds_nothing(anju: Installation) -> None:
    demo_applications.load(anju.parts)
    assert demo_applications.load(anju.parts) == 0
