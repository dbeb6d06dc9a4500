"""A caseworker at the web pages: takes a task from the queue, types, is saved, hands in. Kills may come at any step."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import requests
from lxml import html

from web.demo_data import PASSWORD

# After so many tasks a person goes for lunch and signs in anew.
SHIFT = 12
PATIENCE = 300.0
QUEUE, OWN = "role-acceptance", "mine"


class Page:
    """One page as a browser has it: its forms, its links, the data of its form island."""

    def __init__(self, answer: requests.Response) -> None:
        self.text, self.tree = answer.text, html.fromstring(answer.text)

    def form(self, action: str) -> dict[str, Any]:
        """The fields of the form that is posted to ``action``, the session's token among them."""
        [found] = [form for form in self.tree.forms if form.action == action]
        return {name: value or "" for name, value in found.form_values()}

    def has(self, action: str) -> bool:
        """Whether there is such a form."""
        return any(form.action == action for form in self.tree.forms)

    def tasks(self) -> list[int]:
        """The tasks of the list."""
        links = self.tree.xpath("//*[@id='list']//a/@href")
        return [int(link.split("?")[0].rsplit("/", 1)[1]) for link in links if link.startswith("/tasks/")]

    def data(self) -> dict[str, Any]:
        """What the form opens with."""
        found: dict[str, Any] = json.loads(self.tree.get_element_by_id("form-data").text)
        return found

    def revision(self) -> int:
        """Of the draft that the form opens with."""
        return int(self.tree.xpath("//*[@data-anju-form]/@data-draft-revision")[0])

    def token(self) -> str:
        """What every request that changes something must carry."""
        return str(self.tree.xpath("//meta[@name='csrf-token']/@content")[0])


class Person:
    """``agrees`` says what becomes of case n; ``typed`` is what was typed for it, ``done`` what was handed in."""

    def __init__(self, url: str, login: str, agrees: list[str], over: threading.Event, seed: int) -> None:
        self.url, self.login, self.agrees, self.over = url, login, agrees, over
        self.http = requests.Session()
        self.chance = random.Random(f"{login} {seed}")
        self.typed: dict[int, str] = {}
        self.done: set[int] = set()
        self.reopened = self.again = self.shifts = 0
        self.failures: list[str] = []

    def work(self) -> None:
        """Until the run is over."""
        while not self.over.is_set():
            self.sign_in()
            for _ in range(SHIFT):
                if (task := self.next_task()) is None:
                    break
                self.do(task)

    def sign_in(self) -> None:
        """By the page's own form; where the answer was lost, once more."""
        self.http.cookies.clear()
        self.shifts += 1
        while not self.over.is_set():
            fields = Page(self.get("/login")).form("/login")
            answer = self.try_post("/login", {**fields, "login": self.login, "password": PASSWORD})
            if answer is not None and answer.status_code == 302:
                return
            if answer is not None:
                self.fail("sign in", answer)

    def next_task(self) -> int | None:
        """What one has in hand already, else one of the queue; None when the run is over."""
        while not self.over.is_set():
            if own := Page(self.get(f"/inbox?view={OWN}")).tasks():
                return own[0]
            for task in Page(self.get(f"/inbox?view={QUEUE}")).tasks():
                if self.claim(task):
                    return task
            time.sleep(0.5)
        return None

    def claim(self, task: int) -> bool:
        """Take it; False where a colleague was quicker."""
        action = f"/tasks/{task}/claim"
        page = Page(self.get(f"/tasks/{task}?view={QUEUE}"))
        if not page.has(action):
            return False
        answer, _ = self.post(action, page.form(action))
        if answer.status_code not in (303, 409):
            self.fail("claim", answer)
        return answer.status_code == 303

    def do(self, task: int) -> None:
        """Type in two goes, look again whether it stands there, hand in."""
        page = Page(self.get(f"/tasks/{task}?view={OWN}"))
        action = f"/tasks/{task}"
        if not page.has(action):
            return
        number = int(page.data()["number"])
        note = f"{self.login} 核对第 {number} 件，编号 {self.chance.randrange(10**9)}"
        answers = {"note": note[:9]}
        for answers in ({"note": note[:9]}, {"note": note, "agreed": self.agrees[number]}):
            self.keep(task, page, answers)
            page = self.look_again(task, answers)
        self.typed[number] = note
        fields = {**page.form(action), "answers": json.dumps(answers)}
        answer, repeated = self.post(action, fields)
        # An answer that was lost may have been a yes: then the page says that one has done it oneself.
        if answer.status_code == 303 or (answer.status_code == 409 and repeated and self.is_done(task)):
            self.done.add(number)
        else:
            self.fail("submit", answer)

    def keep(self, task: int, page: Page, answers: dict[str, Any]) -> None:
        """Save the draft until the server says that it has it."""
        body = {"answers": answers, "device": f"page {task}", "seen": page.revision()}
        headers = {"X-CSRF-Token": page.token(), "Accept": "application/json"}
        answer, _ = self.repeat(lambda: self.send("POST", f"/tasks/{task}/draft", json=body, headers=headers))
        if answer.status_code != 200:
            self.fail("draft", answer)

    def look_again(self, task: int, answers: dict[str, Any]) -> Page:
        """The page anew, as on another machine: what was acknowledged must stand there."""
        page = Page(self.get(f"/tasks/{task}?view={OWN}"))
        shown = page.data()
        lost = {name: value for name, value in answers.items() if shown.get(name) != value}
        if lost:
            self.failures.append(f"{self.login}: of task {task} was saved {answers} and is shown {shown}")
        self.reopened += 1
        return page

    def is_done(self, task: int) -> bool:
        """Whether the page of the task says that this very person has done it."""
        text = Page(self.get(f"/tasks/{task}")).tree.text_content()
        return "已由" in text and "办结" in text

    # --- requests: repeated while the web is dead, like somebody who presses the button once more ---

    def get(self, path: str) -> requests.Response:
        """A page. Nobody may be signed out by a kill."""
        answer, _ = self.repeat(lambda: self.send("GET", path))
        if answer.status_code != 200:
            self.fail(path, answer)
            raise RuntimeError(f"{path}: {answer.status_code}")
        return answer

    def post(self, path: str, fields: dict[str, Any]) -> tuple[requests.Response, bool]:
        """Hand a form in; the second of the two says whether an earlier try may have arrived."""
        return self.repeat(lambda: self.send("POST", path, data=fields))

    def try_post(self, path: str, fields: dict[str, Any]) -> requests.Response | None:
        """Hand a form in once; None where no answer came."""
        try:
            return self.send("POST", path, data=fields)
        except requests.RequestException:
            time.sleep(0.2)
            return None

    def repeat(self, send: Callable[[], requests.Response]) -> tuple[requests.Response, bool]:
        """The first answer there is, and whether it was not the first try."""
        limit, tries = time.monotonic() + PATIENCE, 0
        while True:
            try:
                return send(), tries > 0
            except requests.RequestException:
                if time.monotonic() > limit:
                    raise
            tries += 1
            self.again += 1
            time.sleep(0.2)

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        """One request."""
        return self.http.request(method, self.url + path, allow_redirects=False, timeout=30, **more)

    def fail(self, what: str, answer: requests.Response) -> None:
        """Remember what should not have been answered."""
        self.failures.append(f"{self.login}: {what}: {answer.status_code} {answer.text[-300:]}")


def told(people: Iterable[Person]) -> str:
    """The figures of all."""
    them = list(people)
    done, reopened = sum(len(one.done) for one in them), sum(one.reopened for one in them)
    again, shifts = sum(one.again for one in them), sum(one.shifts for one in them)
    return f"{done} tasks by hand, {reopened} drafts looked at again, {again} requests repeated, {shifts} sign-ins"
