"""A mixed load on a house whose processes are killed at random moments, and what must be true of it afterwards."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select

import tests.soak.operations  # noqa: F401  the vocabulary of this process, too
from engine.cases.case import Case
from engine.cases.record import verify
from engine.cases.work import BufferedMessage, Incident, Subscription
from engine.commands import dispatch
from engine.commands.clients import NewClient
from engine.commands.deploy import DeployResources
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.jobs.queue import Job
from engine.workers import housekeeping
from tests.races.house import House, answers, house, kill, until
from tests.soak.bank import Bank
from tests.soak.model import MODEL
from tests.support.installation import _served

AUTH = ("soak", "a-secret-of-the-soak")
PATIENCE = 300.0


class Soak:
    """One run: ``cases`` to bring to their ends while processes die."""

    def __init__(self, home: House, bank: Bank, cases: int, seed: int, pace: float) -> None:
        self.home, self.bank, self.count = home, bank, cases
        # Seconds between two beginnings: the load lasts as long as the kills do.
        self.pace = pace
        self.chance = random.Random(seed)
        self.ways = [self.chance.choice(("yes", "no")) for _ in range(cases)]
        self.kills: Counter[str] = Counter()
        self.living: dict[str, subprocess.Popen[bytes]] = {}
        self.over = threading.Event()
        self.failures: list[str] = []

    # --- the processes ---

    def start(self, name: str) -> None:
        """The web, or one of the workers."""
        made = self.home.start("serve") if name == "web" else self.home.start("worker", "--threads", "2")
        self.living[name] = made

    def begin(self) -> None:
        """Everything up, the process deployed."""
        dispatch(NewClient(AUTH[0], "浸泡", "330106", ("integrator",), AUTH[1]), SYSTEM)
        dispatch(DeployResources([("soak.bpmn", MODEL.encode())]), SYSTEM)
        for name in ("web", "worker a", "worker b"):
            self.start(name)
        until(lambda: answers(f"{self.home.url}/health"), lambda: self.home.said.read_text()[-3000:])

    def kill_one(self) -> None:
        """SIGKILL one of them, whatever it does, and start it anew."""
        name = self.chance.choice(("web", "worker a", "worker b"))
        kill(self.living[name])
        self.kills[name.split()[0]] += 1
        self.start(name)

    # --- the load: each request is repeated until its answer is known ---

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        """Try again while the web is dead; give up when the run is."""
        limit = time.monotonic() + PATIENCE
        while True:
            try:
                answer = requests.post(f"{self.home.url}/v2{path}", json=body, auth=AUTH, timeout=20)
                if answer.status_code < 500:
                    return answer
                self.failures.append(f"{path}: {answer.status_code} {answer.text[:200]}")
            except requests.RequestException:
                time.sleep(0.1)
            if time.monotonic() > limit:
                raise TimeoutError(path)

    def publish(self, name: str, number: int) -> None:
        """A message of its own id: sending it again has no second effect."""
        variables = {"number": number, "name": f"case {number}"} if name == "soak.begin" else {"paid": True}
        body = {
            "name": name,
            "correlationKey": f"case {number}",
            "messageId": f"{name} {number}",
            "timeToLive": 3_600_000,
            "variables": variables,
        }
        assert self.post("/messages/publication", body).status_code == 200

    def publish_all(self) -> None:
        """Half of the payments come before anybody waits for them."""
        for number in range(self.count):
            time.sleep(self.pace)
            if number % 2:
                self.publish("soak.paid", number)
            self.publish("soak.begin", number)
            if not number % 2:
                self.publish("soak.paid", number)

    def decide_all(self) -> None:
        """A worker over the API; a completion whose answer was lost is sent again and then unknown."""
        asked = {"type": "soak.person", "timeout": 5000, "maxJobsToActivate": 3, "requestTimeout": 1000}
        while not self.over.is_set():
            for job in self.post("/jobs/activation", asked).json()["jobs"]:
                variables = {"decision": self.ways[job["variables"]["number"]]}
                done = self.post(f"/jobs/{job['jobKey']}/completion", {"variables": variables})
                if done.status_code not in (204, 404):
                    self.failures.append(f"completion: {done.status_code} {done.text[:200]}")

    # --- the end ---

    def cases(self, state: str | None = None) -> list[Case]:
        """The cases of the soak."""
        with reading() as session:
            query = select(Case).where(Case.process_id == "soak")
            return list(session.scalars(query.where(Case.state == state) if state else query))

    def wait(self) -> None:
        """Until every case has ended."""
        limit = time.monotonic() + PATIENCE
        while len(self.cases("closed")) < self.count:
            housekeeping.deliver_kept_messages()
            assert time.monotonic() < limit, self.told()
            time.sleep(0.5)

    def told(self) -> str:
        """What hangs, for the failure's message."""
        with reading() as session:
            jobs = Counter(tuple(row) for row in session.execute(select(Job.kind, Job.state, Job.last_error)))
            waits = session.scalar(select(func.count()).select_from(Subscription))
            stuck = list(session.scalars(select(Incident.message).where(Incident.state == "open").limit(5)))
        states = Counter(case.state for case in self.cases())
        said = self.home.said.read_text()[-1500:]
        return f"{states} jobs {jobs} waits {waits} incidents {stuck} failures {self.failures[:5]}\n{said}"

    def check(self) -> None:
        """Every case ended as its inputs demand, every call had one effect, every record is whole, nothing is left."""
        found = self.cases()
        assert len(found) == self.count
        with reading() as session:
            assert not session.scalars(select(Incident.message).where(Incident.state == "open")).all()
            assert not session.scalars(select(Job.kind).where(Job.state != "failed")).all(), self.told()
            for case in found:
                assert verify(session, case.id) is None
            begun = select(BufferedMessage.message_id, BufferedMessage.taken).where(
                BufferedMessage.name == "soak.begin"
            )
            assert {taken for _, taken in session.execute(begun)} == {True}
        outcomes = Counter(case.outcome for case in found)
        demanded = Counter({"yes": "granted", "no": "refused"}[way] for way in self.ways)
        assert outcomes == demanded
        effects = Counter(place for place, _ in self.bank.effects)
        assert effects == {"honours": self.count, "forgets": self.ways.count("yes")}
        assert set(self.bank.effects.values()) == {1}, [pair for pair in self.bank.effects.items() if pair[1] != 1]
        assert not self.failures, self.failures[:5]

    def report(self) -> str:
        """The figures of the run."""
        repeated = sum(count - 1 for count in self.bank.requests.values())
        kills = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        told = f"{repeated} repeated, {self.bank.lost} answers lost, asked {self.bank.asked} times"
        return f"{sum(self.kills.values())} kills ({kills}), {self.count} cases; requests: {told}"


def run(home: House, bank: Bank, *, cases: int, kills: int, seed: int, pause: tuple[float, float]) -> Soak:
    """Load and kills together; then the end is waited for and looked at."""
    soak = Soak(home, bank, cases, seed, pace=kills * sum(pause) / 2 / cases)
    soak.begin()
    workers = [threading.Thread(target=_guarded(soak, one)) for one in (soak.publish_all, soak.decide_all)]
    for thread in workers:
        thread.start()
    for _ in range(kills):
        time.sleep(soak.chance.uniform(*pause))
        soak.kill_one()
    soak.wait()
    soak.over.set()
    for thread in workers:
        thread.join(PATIENCE)
    soak.check()
    return soak


def _guarded(soak: Soak, work: Callable[[], None]) -> Callable[[], None]:
    def guarded() -> None:
        try:
            work()
        except Exception as error:
            soak.failures.append(f"{work.__name__}: {error!r}")
            raise

    return guarded


@contextmanager
def soak_house(source: Path, folder: Path, url: str | None = None) -> Iterator[tuple[House, Bank]]:
    """A house whose processes know the soak's operations."""
    bank = Bank()
    with _served(bank) as port, house(source, folder, url) as home:
        home.environ["SOAK_URL"] = f"http://127.0.0.1:{port}"
        home.entry = "tests.soak.process"
        yield home, bank
