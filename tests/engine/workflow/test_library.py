"""A process called from another release than the caller's."""

from __future__ import annotations

from engine.workflow import Definitions, Process, parse
from tests.engine.workflow.kit import House, bpmn, chain, end, extension, start, user

CALL = extension('<zeebe:calledElement processId="q" bindingType="versionTag" versionTag="2026"/>')
CALLER = bpmn(start(), f'<callActivity id="call">{CALL}</callActivity>', user("b"), chain("start", "call", "b"))


class Shelves(House):
    """A house that knows other releases by key."""

    def __init__(self, **releases: Definitions) -> None:
        super().__init__()
        self.releases = releases
        self.asked: list[tuple[str, str, str]] = []

    def find_called(self, process_id: str, binding: str, version_tag: str) -> tuple[str, Definitions] | None:
        self.asked.append((process_id, binding, version_tag))
        return next(((key, one) for key, one in self.releases.items() if process_id in one.processes), None)

    def load_called(self, key: str) -> Definitions:
        return self.releases[key]


def called(name: str) -> Definitions:
    return parse({"q.bpmn": bpmn(start(), user(name), end(), chain("start", name, "end"), process_id="q")})


def test_a_call_is_bound_when_it_begins_and_stays_with_that_release() -> None:
    caller = parse({"p.bpmn": CALLER})
    house = Shelves(old=called("a"))
    process = Process.start(caller, "p", {}, house)
    assert house.asked == [("q", "versionTag", "2026")]
    state, scopes = process.save()

    # A newer release comes out meanwhile.
    house.releases = {"new": called("z"), **house.releases}
    again = Process.load(caller, state, scopes, house)

    assert again.save() == (state, scopes)
    [wait] = again.waits()
    assert (wait.element_id, wait.process_id, wait.called_from) == ("a", "q", ("call",))
    assert wait.attrs["library"] == "old"
    assert again.info("q").elements["a"].name == "办理a"
    again.complete(wait.token)
    assert [wait.element_id for wait in again.waits()] == ["b"]


def test_where_the_house_knows_nothing_the_release_calls_its_own() -> None:
    both = parse({"p.bpmn": CALLER, "q.bpmn": bpmn(start(), user("own"), chain("start", "own"), process_id="q")})

    assert [wait.element_id for wait in Process.start(both, "p", {}, Shelves()).waits()] == ["own"]
    [incident] = Process.start(parse({"p.bpmn": CALLER}), "p", {}, Shelves()).waits()
    assert incident.attrs["code"] == "process_not_found"


def test_the_binding_of_a_form_is_passed_on() -> None:
    form = '<zeebe:formDefinition formId="f" bindingType="versionTag" versionTag="2026"/>'
    process = Process.start(parse({"p.bpmn": bpmn(start(), user("a", form), chain("start", "a"))}), "p", {}, House())

    attrs = process.waits()[0].attrs
    assert (attrs["form_id"], attrs["form_binding"], attrs["form_version_tag"]) == ("f", "versionTag", "2026")
