"""Approving many at once as a script does it: a few rows a request, each told by itself."""

from __future__ import annotations

import json

from tests.support.installation import Installation

PASSPORT = {
    "name": "马晓燕",
    "marital_status": "10",
    "id_kind": "passport",
    "phone": "19900000021",
    "residence": "local",
}


def test_a_script_is_told_of_each_row_and_the_next_request_goes_on(anju: Installation) -> None:
    clerk = anju.staff("liuyang")
    people = [{**PASSPORT, "region": "330106", "id_number": f"E1234567{number}"} for number in range(3)]
    cases = [anju.apply(clerk, "counter", applicant=one, co_applicants=[]) for one in people]
    tasks = [anju.tasks(one.case_id)["accept"] for one in cases]
    versions = {f"version_{one.id}": str(one.version) for one in tasks}
    answers = json.dumps({"accept_result": "accepted", "accept_opinion": "材料齐全"})
    client = anju.client(clerk)

    def send(*chosen: int) -> list[tuple[str, bool]]:
        form = {"csrf_token": "token", "answers": answers, "task": [tasks[one].id for one in chosen], **versions}
        sent = client.post("/inbox/approve/confirmed", data=form, headers={"Accept": "application/json"})
        assert (sent.status_code, sent.mimetype) == (200, "application/json")
        return [(one["title"].split()[0], one["ok"]) for one in sent.get_json()["results"]]

    assert send(0, 1) == [(cases[0].number, True), (cases[1].number, True)]
    # One that was done meanwhile stops no other.
    assert send(1, 2) == [(cases[1].number, False), (cases[2].number, True)]
    assert ["accept" in anju.tasks(one.case_id) for one in cases] == [False, False, False]
