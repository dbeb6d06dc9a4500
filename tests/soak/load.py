"""A mixed load on a house whose processes are killed at random moments, and what must be true of it afterwards."""

from __future__ import annotations

import json
import logging
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
from engine.cases.record import JournalEntry, verify
from engine.cases.work import BufferedMessage, Incident, Subscription, Task
from engine.commands import dispatch
from engine.commands.clients import NewClient
from engine.commands.deploy import DeployResources
from engine.core.actor import SYSTEM
from engine.core.db import reading
from engine.jobs.queue import Job
from engine.workers import housekeeping
from tests.races.house import House, answers, house, kill
from tests.soak import person
from tests.soak.bank import Bank
from tests.soak.model import FORM, MODEL
from tests.soak.person import Person
from tests.support.installation import _served

log = logging.getLogger("anju.soak")

PROCESSES = ("web", "worker a", "worker b")
# Two who take from one queue.
PEOPLE = ("liuyang", "sunqiang")
AUTH = ("soak", "a-secret-of-the-soak")
PATIENCE = 300.0


class Soak:
    """One run: ``cases`` to bring to their ends while processes die."""

    def __init__(self, home: House, bank: Bank, cases: int, kills: int, seed: int, pause: tuple[float, float]) -> None:
        self.home, self.bank, self.count, self.planned, self.pause = home, bank, cases, kills, pause
        self.over = threading.Event()
        self.chance = random.Random(seed)
        # What the program decides and what the person says of it: granted is what both want.
        self.ways = [self.chance.choice(("yes", "yes", "no")) for _ in range(cases)]
        self.agrees = [self.chance.choice(("yes", "yes", "no")) for _ in range(cases)]
        self.people = [Person(home.url, login, self.agrees, self.over, seed) for login in PEOPLE]
        self.kills: Counter[str] = Counter()
        self.living: dict[str, subprocess.Popen[bytes]] = {}
        self.failures: list[str] = []

    # --- the processes ---

    def start(self, name: str) -> None:
        """The web, or one of the workers."""
        made = self.home.start("serve") if name == "web" else self.home.start("worker", "--threads", "2")
        self.living[name] = made

    def begin(self) -> None:
        """Everything up, the process deployed."""
        dispatch(NewClient(AUTH[0], "浸泡", "330106", ("integrator",), AUTH[1]), SYSTEM)
        dispatch(DeployResources([("soak.bpmn", MODEL.encode()), ("soak.form", FORM.encode())]), SYSTEM)
        for name in PROCESSES:
            self.start(name)
        self.home.until(lambda: all(self.is_up(name) for name in PROCESSES))

    def is_up(self, name: str) -> bool:
        """Whether it has begun its work: killing what still loads its modules would prove nothing."""
        if name == "web":
            return answers(f"{self.home.url}/health")
        return "workers started" in self.home.said(self.living[name])

    def kill_some(self, most: int) -> None:
        """SIGKILL one, or two together, whatever they do, and start them anew. Each had time to do something before."""
        self.home.until(lambda: all(self.is_up(name) for name in PROCESSES))
        time.sleep(self.chance.uniform(*self.pause))
        for name in self.chance.sample(PROCESSES, min(most, self.chance.choice((1, 1, 2)))):
            kill(self.living[name])
            self.kills[name.split()[0]] += 1
            self.start(name)
        log.info("%s kills, %s of %s cases ended", self.kills.total(), len(self.cases("closed")), self.count)

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
        """Half of the payments come before anybody waits for them. The load lasts as long as the kills do."""
        for number in range(self.count):
            while self.kills.total() / self.planned < number / self.count:
                time.sleep(0.05)
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
        """Until every case has ended; not for long when none ends any more."""
        ended, limit = 0, time.monotonic() + PATIENCE
        while ended < self.count:
            housekeeping.deliver_kept_messages()
            if (now := len(self.cases("closed"))) > ended:
                ended, limit = now, time.monotonic() + PATIENCE
            assert time.monotonic() < limit, self.told()
            time.sleep(0.5)

    def told(self) -> str:
        """What hangs, for the failure's message."""
        with reading() as session:
            jobs = Counter(tuple(row) for row in session.execute(select(Job.kind, Job.state, Job.last_error)))
            waits = session.scalar(select(func.count()).select_from(Subscription))
            stuck = list(session.scalars(select(Incident.message).where(Incident.state == "open").limit(5)))
        states = Counter(case.state for case in self.cases())
        failures = [*self.failures, *(one for person in self.people for one in person.failures)][:5]
        return f"{states} jobs {jobs} waits {waits} incidents {stuck} failures {failures}\n{self.home.said()}"

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
        granted = [pair == ("yes", "yes") for pair in zip(self.ways, self.agrees, strict=True)]
        assert outcomes == Counter("granted" if one else "refused" for one in granted)
        effects = Counter(place for place, _ in self.bank.effects)
        assert effects == {"honours": self.count, "forgets": sum(granted)}
        assert set(self.bank.effects.values()) == {1}, [pair for pair in self.bank.effects.items() if pair[1] != 1]
        assert not self.failures, self.failures[:5]
        self.check_people(found)

    def check_people(self, found: list[Case]) -> None:
        """Every task was done once, by whoever typed for it, and what was typed last is what the case keeps."""
        typed = {number: note for person in self.people for number, note in person.typed.items()}
        failures = [one for person in self.people for one in person.failures]
        assert not failures, failures[:5]
        assert sorted(number for person in self.people for number in person.done) == list(range(self.count))
        with reading() as session:
            tasks = session.scalars(select(Task).where(Task.case_id.in_([case.id for case in found]))).all()
            lines = select(JournalEntry.task_id).where(JournalEntry.kind == "completed")
            told = Counter(session.scalars(lines.where(JournalEntry.task_id.is_not(None))))
        assert {task.state for task in tasks} == {"done"}
        assert told == Counter(task.id for task in tasks)
        assert len(tasks) == self.count
        for case in found:
            asked = {"filter": {"processInstanceKey": str(case.id)}, "page": {"limit": 100}}
            rows = self.post("/variables/search", asked).json()["items"]
            kept = {row["name"]: json.loads(row["value"]) for row in rows}
            number = kept["number"]
            assert (kept["note"], kept["agreed"]) == (typed[number], self.agrees[number])

    def report(self) -> str:
        """The figures of the run."""
        repeated = sum(count - 1 for count in self.bank.requests.values())
        kills = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        told = f"{repeated} repeated, {self.bank.lost} answers lost, asked {self.bank.asked} times"
        people = person.told(self.people)
        return f"{self.kills.total()} kills ({kills}), {self.count} cases; requests: {told}; {people}"


def run(home: House, bank: Bank, *, cases: int, kills: int, seed: int, pause: tuple[float, float]) -> Soak:
    """Load and kills together; then the end is waited for and looked at."""
    soak = Soak(home, bank, cases, kills, seed, pause)
    soak.begin()
    load = (soak.publish_all, soak.decide_all, *(person.work for person in soak.people))
    workers = [threading.Thread(target=_guarded(soak, one)) for one in load]
    for thread in workers:
        thread.start()
    while (left := kills - soak.kills.total()) > 0:
        soak.kill_some(left)
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
            log.exception("the load stumbled")
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
