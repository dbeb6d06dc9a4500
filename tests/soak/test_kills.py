"""SIGKILL at random moments of the web and the workers under a mixed load: nothing is lost, nothing done twice.

``SOAK_KILLS`` and ``SOAK_SEED`` change how long and how; a failure names its seed.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.races.house import House
from tests.soak.bank import Bank
from tests.soak.load import run

KILLS = int(os.environ.get("SOAK_KILLS", "110"))
SEED = int(os.environ.get("SOAK_SEED", str(random.randrange(10**6))))


@pytest.mark.slow
def test_after_a_few_kills_every_case_ends_as_its_inputs_demand(soaked: tuple[House, Bank]) -> None:
    home, bank = soaked
    run(home, bank, cases=12, kills=5, seed=5, pause=(0.5, 1.5))


@pytest.mark.soak
def test_after_hundreds_of_kills_every_case_ends_as_its_inputs_demand(
    soaked: tuple[House, Bank], capsys: pytest.CaptureFixture[str]
) -> None:
    home, bank = soaked
    done = run(home, bank, cases=KILLS * 2, kills=KILLS, seed=SEED, pause=(0.3, 3.0))
    with capsys.disabled():
        print(f"\nsoak, seed {SEED}: {done.report()}")
