"""Income checks and the token behind them."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from connectors import load_all
from engine.core.errors import OutsideFault
from engine.core.operations import Answer

from .conftest import World, served


def income(world: World, name: str, id_number: str, year: int = 2025, **more: str) -> Answer:
    answer = world.run("tax.income", name=name, id_number=id_number, year=year, **more)
    assert isinstance(answer, Answer)
    return answer


def test_a_years_income_comes_in_whole_fen(world: World) -> None:
    answer = income(world, "林秋实", "330106198803121014")
    assert answer.verdict == "pass"
    assert answer.variables["facts"] == {"annual_income_fen": 6_240_000, "months": 12}


def test_a_high_income_is_a_fact_and_not_a_failure(world: World) -> None:
    answer = income(world, "陈思远", "330106198604161136")
    assert answer.verdict == "pass"
    assert answer.variables["facts"]["annual_income_fen"] == 50_400_000


@pytest.mark.parametrize(
    ("name", "number"),
    [("谢南山", "440802199101031279"), ("曹知夏", "330106201206061441"), ("林秋", "330106198803121014")],
)
def test_no_declaration_is_unknown_and_never_zero(world: World, name: str, number: str) -> None:
    answer = income(world, name, number)
    assert answer.verdict == "unknown"
    assert answer.variables["facts"] == {"annual_income_fen": None, "months": None}


def test_a_slow_answer_is_waited_for(world: World) -> None:
    assert income(world, "高远航", "44080219870823131X").verdict == "pass"


def test_a_token_that_ended_early_is_renewed_once(world: World) -> None:
    number = "330106198803121014"
    income(world, "林秋实", number)
    world.state.switch("tax", number, "bad_signature", times=1)
    assert income(world, "林秋实", number, key="key-2").verdict == "pass"
    world.state.switch("tax", number, "bad_signature")
    with pytest.raises(OutsideFault) as raised:
        income(world, "林秋实", number, key="key-3")
    assert raised.value.code == "unauthorised"


def test_a_fresh_token_is_fetched_where_the_kept_one_is_refused(world: World) -> None:
    made: list[str] = []

    def office(environ: Any, start: Any) -> Any:
        request = Request(environ)
        request.get_data()
        if request.path == "/oauth/token":
            made.append(f"t-{len(made) + 1}")
            return Response(f'{{"accessToken":"{made[-1]}","expiresIn":600}}', content_type="application/json")(
                environ, start
            )
        status = 200 if request.headers["Authorization"] == "Bearer t-2" else 401
        return Response('{"status":"NOT_FOUND"}', status, content_type="application/json")(environ, start)

    with served(office) as url:
        load_all({"ANJU_TAX_URL": url})
        assert income(world, "林秋实", "330106198803121014").verdict == "unknown"
        assert income(world, "林秋实", "330106198803121014").verdict == "unknown"
    assert made == ["t-1", "t-2"]


def test_a_wrong_secret_is_a_matter_for_the_administrator(world: World) -> None:
    load_all({**world.environ, "ANJU_TAX_SECRET": "not-the-key"})
    with pytest.raises(OutsideFault) as raised:
        income(world, "林秋实", "330106198803121014")
    assert raised.value.code == "unauthorised"
    assert "not-the-key" not in str(raised.value)


def test_the_token_is_no_part_of_the_evidence(world: World) -> None:
    kept = income(world, "林秋实", "330106198803121014").evidence
    assert kept is not None
    assert b"Secret" not in kept.request
    assert b"62400.00" in kept.response
