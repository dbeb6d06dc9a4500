"""The browser shows and hides form fields with feelin, the server decides with engine.feel: they must agree.

Every expression of every form, and a corpus of everyday ones, runs through both on the same data. What differs stands
in ``DIFFERENT`` with both answers, so that the list can neither grow nor go stale unseen.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.feel import FeelError, evaluate, strip, to_json

ROOT = Path(__file__).resolve().parents[2]
FEELIN = ROOT / "node_modules" / "@bpmn-io" / "feelin"
ASK = """
import { evaluate } from "@bpmn-io/feelin";
import { readFileSync } from "node:fs";
const asked = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(asked.map(([text, data]) => {
  try {
    const value = evaluate(text, data).value;
    return value === undefined ? null : value;
  } catch (error) {
    return { error: error.name };
  }
})));
"""
DATA: list[dict[str, Any]] = [
    {
        "age": 30,
        "income": 4200,
        "name": "张三",
        "married": True,
        "kind": "renting",
        "members": [{"name": "李四", "age": 8, "income": 0}, {"name": "王五", "age": 61, "income": 3000}],
        "codes": ["id_card", "lease_contract"],
        "home": {"area": 38.5, "rooms": 2, "city": "上海"},
        "on": "2026-03-01",
        "note": None,
    },
    {
        "age": 17,
        "income": 6000,
        "name": "",
        "married": False,
        "kind": "owner",
        "members": [],
        "codes": [],
        "home": {"area": 80, "rooms": None},
        "on": "2025-12-31",
    },
    {},
]
EVERYDAY = r"""
age >= 18 and income < 5000
age < 18 or married
age between 18 and 60
age in [18..60]
age in (17, 30)
age in (< 18, > 60)
not(married)
not(age > 20)
not(note = null)
note = null
name = ""
name != null and name != ""
kind = "renting"
kind != "renting"
kind in ("renting", "borrowed")
if age >= 18 then "成年" else "未成年"
if married then 2 else 1
if note then 1 else 2
home.area
home.area / home.rooms
home.area > 40 or home.rooms > 1
home.city = "上海"
home.nothing = null
members[1].name
members[age > 60].name
members[item.age > 60].name
count(members)
count(members) > 1
count(members[age < 18])
sum(members.income)
sum(for m in members return m.income * 12)
max(members.age)
min(members.age)
mean([1, 2, 6])
some m in members satisfies m.age >= 60
every m in members satisfies m.income < 5000
for m in members return m.name
list contains(codes, "id_card")
not(list contains(codes, "id_card"))
list contains(["a", "b"], "c")
contains(name, "张")
starts with(name, "张")
string length(name) > 1
substring(name, 1, 1)
upper case("abc")
string join(codes, "、")
string join(members.name, ",")
matches("13800138000", "^1[3-9]\\d{9}$")
replace("a-b-c", "-", "")
split("a,b,c", ",")
income * 12
income / 2
income + age
income - age
- age
age ** 2
modulo(income, 1000)
floor(income / 1000)
ceiling(4.2)
decimal(10 / 3, 2)
round up(5.5, 0)
round half up(2.5, 0)
abs(-3)
even(age)
odd(age)
number("12.5")
string(12)
string(income / 100)
{a: 1, b: a + 1}.b
{"名": name}.名
[1, 2, 3][2]
[1, 2, 3][-1]
[1, 2, 3, 4][item > 2]
append([1], 2)
concatenate([1], [2, 3])
distinct values([1, 2, 1])
flatten([1, [2, 3]])
reverse([1, 2])
sort([3, 1, 2], function(x, y) x < y)
index of([1, 2, 1], 1)
union([1, 2], [2, 3])
date(on) < date("2026-01-01")
date(on) >= date("2026-01-01")
date("2026-03-31") - date("2026-03-01") > duration("P20D")
string(date("2026-01-31") + duration("P1M"))
string(date("2026-03-01") - duration("P1D"))
date("2026-03-01").year
date("2026-03-01").month
years and months duration(date("2000-05-20"), date("2026-03-01")).years >= 18
day of week(date("2026-11-22"))
date("2026-02-30") = null
married and age > 18
married or age > 18
(age >= 18 and kind = "renting") or (married and income <= 6000)
age = "30"
null = null
is defined(name)
get value(home, "area")
true and false
1 = 1.0
"a" < "b"
some x in [1, 2] satisfies x > 1 and x < 3
all([true, age > 10])
any([false, age > 20])
get or else(note, "无")
0.1 + 0.2 = 0.3
1.1 * 3
99999999999999999999 + 1 = 99999999999999999999
""".strip().splitlines()
_FLOATS = {
    "0.1 + 0.2 = 0.3": (False, True),
    "1.1 * 3": (3.3000000000000003, 3.3),
    "99999999999999999999 + 1 = 99999999999999999999": (True, False),
}
_CAMUNDA_8 = {'get or else(note, "无")': ({"error": "Error"}, "无")}
DIFFERENT: dict[tuple[str, int], tuple[Any, Any]] = {
    # The browser counts in floats, the server in decimals of 34 digits.
    **{(text, index): both for text, both in _FLOATS.items() for index in range(len(DATA))},
    # Functions of Camunda 8 that the browser lacks.
    **{(text, index): both for text, both in _CAMUNDA_8.items() for index in range(len(DATA))},
    ("is defined(name)", 0): (None, True),
    ("is defined(name)", 1): (None, True),
    ("is defined(name)", 2): (None, False),
    # Nothing is neither inside nor outside a range; the browser says outside. Both show the field.
    ("age in [18..60]", 2): (False, None),
    ("age in (< 18, > 60)", 2): (False, None),
    # A position outside the text has no part of it, says the standard.
    ("substring(name, 1, 1)", 1): ("", None),
}


def form_expressions() -> Iterator[str]:
    for path in sorted([*ROOT.glob("forms/**/*.form"), *ROOT.glob("processes/**/*.form")]):
        yield from inside(json.loads(path.read_text(encoding="utf-8")))


def inside(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        if part.startswith("="):
            yield strip(part)
    elif isinstance(part, dict | list):
        for item in part.values() if isinstance(part, dict) else part:
            yield from inside(item)


def by_feelin(asked: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    node = shutil.which("node")
    if node is None or not FEELIN.is_dir():
        pytest.skip("no node or no node_modules here: the browser's FEEL cannot be asked")
    run = subprocess.run(
        [node, "--input-type=module", "-e", ASK],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    found: list[Any] = json.loads(run.stdout)
    return found


def by_server(text: str, data: dict[str, Any]) -> Any:
    try:
        return to_json(evaluate(text, data))
    except FeelError as error:
        return {"error": error.code}


def form_data() -> list[dict[str, Any]]:
    """Data under which the conditions of the forms fall one way and the other."""
    yes = {
        "facts": {"income_mismatch": False},
        "review_result": "pass",
        "decision": {"eligible": False},
        "accept_result": "accepted",
        "applicant": {"residence": "non_local", "marital_status": "20"},
        "support_mode": "affordable_rental",
        "housing": {"situation": "renting"},
        "collected": {"any_unknown": False},
        "acceptance": {"items": ["id_card", "income_proof"]},
    }
    no = {
        "facts": {"income_mismatch": True},
        "review_result": "refuse",
        "decision": {"eligible": True},
        "accept_result": "supplement",
        "applicant": {"residence": "local", "marital_status": "10"},
        "housing": {"situation": "owner"},
        "acceptance": {"items": []},
    }
    return [yes, no, {}]


def test_the_browser_and_the_server_agree_on_everyday_expressions() -> None:
    asked = [(text, data) for text in EVERYDAY for data in DATA]
    different = {}
    for (text, data), browser in zip(asked, by_feelin(asked), strict=True):
        server = by_server(text, data)
        if browser != server:
            different[text, DATA.index(data)] = (browser, server)
    assert different == DIFFERENT


def test_the_browser_and_the_server_agree_on_every_expression_of_the_forms() -> None:
    texts = sorted(set(form_expressions()))
    assert texts
    asked = [(text, data) for text in texts for data in form_data()]
    for (text, data), browser in zip(asked, by_feelin(asked), strict=True):
        assert browser == by_server(text, data), (text, data)
