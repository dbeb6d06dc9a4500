"""A decision is explained in the words of people, not in those of its rules."""

from __future__ import annotations

from engine.core.db import reading
from engine.queries.case_file import case_file
from engine.queries.common import calendar
from tests.support.installation import FAMILY, Installation

TENANT = {
    "support_mode": "rent_subsidy",
    "applicant": FAMILY["applicant"]
    | {"name": "曹景行", "id_number": "330106198309081395", "phone": "19900000016", "marital_status": "10"},
    "co_applicants": [],
    "housing": {"situation": "renting", "address": "安居市西湖区古墩路 8 号", "monthly_rent_fen": 250000},
}


def test_a_condition_that_is_met_names_what_would_not_meet_it(anju: Installation) -> None:
    clerk = anju.staff("liuyang")
    answers = TENANT | {"material_lease_contract": anju.upload(clerk, "lease_contract")}
    case = anju.apply(clerk, "counter", **answers)
    anju.do(case.case_id, "accept", clerk, {"accept_result": "accepted"})
    with reading() as session, calendar(session):
        told = [reason.facts for one in case_file(session, clerk, case.case_id).decisions for reason in one.reasons]
    assert "不符合的情形：现住房情况 不是 租房居住" in told
    assert not any("not(" in one or ">=" in one for one in told), told
