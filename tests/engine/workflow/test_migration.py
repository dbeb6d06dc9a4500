"""Running cases go on in another release: nothing is begun again, nothing is lost, what cannot be is said before."""

import pytest

from engine.core.errors import Refused
from engine.workflow import Definitions, Finding, migration, parse
from tests.engine.workflow.kit import (
    COMPENSATE,
    ERROR,
    MESSAGE,
    Play,
    adhoc,
    boundary,
    bpmn,
    catch,
    chain,
    end,
    event_sub,
    extension,
    flow,
    gateway,
    io,
    job,
    loop,
    start,
    sub,
    throw,
    timer,
    user,
)

FORM = '<zeebe:formDefinition formId="{}"/>'
OLD = (start(), user("a"), user("b"), end(), chain("start", "a", "b", "end"))


def release(*body: str, more: str = "") -> Definitions:
    return parse({"test.bpmn": bpmn(*body, more=more)})


def check(play: Play, *body: str, mapping: dict[str, str] | None = None) -> list[Finding]:
    return migration.check(play.process, migration.plan(play.definitions, release(*body), mapping))


def told(findings: list[Finding]) -> set[tuple[str, str, str]]:
    return {(finding.kind, finding.element_id, finding.target_id) for finding in findings}


def migrate(play: Play, *body: str, mapping: dict[str, str] | None = None) -> Play:
    target = release(*body)
    play.process.migrate(migration.plan(play.definitions, target, mapping))
    play.definitions = target
    play._turn()
    return play


def refused(play: Play, *body: str, mapping: dict[str, str] | None = None) -> str:
    reasons = [one.message for one in check(play, *body, mapping=mapping) if one.refused]
    before = play.process.save()
    with pytest.raises(Refused) as error:
        play.process.migrate(migration.plan(play.definitions, release(*body), mapping))
    assert error.value.code == "migration_refused"
    assert reasons[0] in error.value.message
    assert play.process.save() == before
    return reasons[0]


# --- the mapping


def test_elements_are_mapped_by_id_then_by_type_and_name() -> None:
    renamed = (
        start(),
        user("first").replace("办理first", "办理a"),
        user("b"),
        end(),
        chain("start", "first", "b", "end"),
    )
    plan = migration.plan(release(*OLD), release(*renamed))

    assert plan.elements["p"] == {"start": "start", "a": "first", "b": "b", "end": "end"}


def test_a_name_that_is_not_unique_maps_nothing() -> None:
    two = (start(), user("x").replace("办理x", "办理a"), user("y").replace("办理y", "办理a"), user("b"), end(),
           chain("start", "x", "y", "b", "end"))  # fmt: skip

    assert migration.plan(release(*OLD), release(*two)).of("p", "a") is None


def test_what_is_mapped_by_hand_wins() -> None:
    plan = migration.plan(release(*OLD), release(*OLD), {"a": "b"})

    assert plan.of("p", "a") == "b"
    assert plan.of("p", "b") is None
    assert plan.by_hand == {("p", "a")}


@pytest.mark.parametrize("mapping", [{"a": "nowhere"}, {"nowhere": "a"}])
def test_a_mapping_of_what_is_not_there_is_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(Refused) as error:
        migration.plan(release(*OLD), release(*OLD), mapping)

    assert error.value.code == "element_not_found"


# --- going on


def test_a_step_in_progress_goes_on_under_its_new_id() -> None:
    play = Play(*OLD)
    token = play.wait("a").token
    longer = (start(), user("n"), user("c"), user("b"), end(), chain("start", "n", "c", "b", "end"))
    assert told(check(play, *longer, mapping={"a": "n"})) == {("moved", "a", "n")}
    migrate(play, *longer, mapping={"a": "n"})

    assert (play.at, play.wait("n").token) == (["n:user"], token)
    play.do("n", opinion="同意").do("c").do("b")
    assert play.completed
    assert play.variables == {"opinion": "同意"}


def test_the_form_of_the_new_release_is_shown() -> None:
    old = (start(), user("a", FORM.format("review")), end(), chain("start", "a", "end"))
    new = (start(), user("a", FORM.format("review_2")), end(), chain("start", "a", "end"))
    play = Play(*old)

    assert ("renewed", "a", "a") in told(check(play, *new))
    assert migrate(play, *new).wait("a").attrs["form_id"] == "review_2"


def test_a_step_without_counterpart_is_refused() -> None:
    without = (start(), user("b"), end(), chain("start", "b", "end"))

    assert "没有对应的环节" in refused(Play(*OLD), *without)


def test_a_step_of_another_type_is_refused() -> None:
    other = (start(), job("a"), user("b"), end(), chain("start", "a", "b", "end"))
    by_job = (start(), user("a", '<zeebe:taskDefinition type="x"/>').replace("<zeebe:userTask/>", ""), user("b"), end(),
              chain("start", "a", "b", "end"))  # fmt: skip

    assert "类型变了" in refused(Play(*OLD), *other)
    assert "办理方式变了" in refused(Play(*OLD), *by_job)


def test_a_step_moved_into_a_subprocess_is_refused() -> None:
    inside = sub("s", start("s1"), user("a"), end("s2"), chain("s1", "a", "s2"))

    assert "同一个子流程" in refused(Play(*OLD), start(), inside, user("b"), end(), chain("start", "s", "b", "end"))


def test_a_timer_keeps_its_date() -> None:
    def model(text: str) -> tuple[str, ...]:
        wait = catch("t", timer("timeDuration", text))
        return start(), wait, user("b"), end(), chain("start", "t", "b", "end")

    play = Play(*model("P1D"))
    due = play.wait("t").attrs["due"]

    assert migrate(play, *model("P9D")).wait("t").attrs["due"] == due
    assert play.do("t").at == ["b:user"]


def test_a_message_written_differently_is_listened_to_anew() -> None:
    old = (start(), catch("m", MESSAGE), end(), chain("start", "m", "end"))
    play = Play(*old, variables={"other": "甲-1"})
    target = parse({"test.bpmn": bpmn(*old).replace(b"=number", b"=other")})
    plan = migration.plan(play.definitions, target)
    assert told(migration.check(play.process, plan)) == {("moved", "m", "m"), ("renewed", "m", "m")}
    play.process.migrate(plan)

    assert [wait.attrs["key"] for wait in play.process.waits()] == ["甲-1"]


def test_boundary_events_follow_the_new_release() -> None:
    late, loud = timer("timeDuration", "P1D"), timer("timeDuration", "P3D")
    old = (*OLD, boundary("late", "a", late), end("e1"), boundary("gone", "a", late, False), end("e2"),
           flow("late", "e1"), flow("gone", "e2"))  # fmt: skip
    later = boundary("later", "a", late).replace("边界later", "边界late")
    new = (*OLD, later, end("e1"), boundary("extra", "a", loud, False), end("e3"), flow("later", "e1"),
           flow("extra", "e3"))  # fmt: skip
    play = Play(*old)
    token = play.wait("late").token
    kinds = told(check(play, *new))
    migrate(play, *new)

    assert {("unsubscribed", "gone", ""), ("subscribed", "extra", "extra"), ("moved", "a", "a")} <= kinds
    assert play.at == ["a:user", "extra:timer", "later:timer"]
    assert play.wait("later").token == token
    assert play.do("extra").at == ["a:user", "later:timer"]
    assert play.do("later").completed


def test_a_reminder_that_has_come_does_not_come_again() -> None:
    def model(id: str) -> tuple[str, ...]:
        late = boundary(id, "a", timer("timeDuration", "P1D"), interrupting=False)
        return (*OLD, late, end("e1"), flow(id, "e1"))

    play = Play(*model("late")).do("late")

    assert migrate(play, *model("later"), mapping={"late": "later"}).at == ["a:user"]


def test_a_boundary_event_on_another_step_is_refused() -> None:
    def model(host: str) -> tuple[str, ...]:
        return (*OLD, boundary("late", host, timer("timeDuration", "P1D")), end("e1"), flow("late", "e1"))

    assert "附在别的环节" in refused(Play(*model("a")), *model("b"))


def test_event_subprocesses_follow_the_new_release() -> None:
    def watch(id: str, task: str) -> str:
        return event_sub(id, MESSAGE, user(task), end(f"{id}_end"), chain(f"{id}_start", task, f"{id}_end"),
                         interrupting=False)  # fmt: skip

    play = Play(*OLD, watch("esp", "h"))
    play.do("esp_start")
    token = play.wait("h").token
    mapping = {"esp": "other", "esp_start": "other_start", "h": "k"}
    migrate(play, *OLD, watch("other", "k"), watch("more", "l"), mapping=mapping)

    assert play.at == ["a:user", "k:user", "more_start:message", "other_start:message"]
    assert play.wait("k").token == token
    assert play.do("k").do("a").do("b").completed


def test_a_body_that_an_event_interrupted_listens_to_nothing_new() -> None:
    watch = event_sub("esp", MESSAGE, user("h"), end("h2"), chain("esp_start", "h", "h2"))
    play = Play(*OLD, watch).do("esp_start")

    other = event_sub("late", timer("timeDuration", "P1D"), end("l2"), chain("late_start", "l2"))
    assert migrate(play, *OLD, watch, other).at == ["h:user"]


def test_a_join_in_progress_remembers_who_has_come() -> None:
    def model(join: str, more: str = "") -> tuple[str, ...]:
        return (start(), gateway("parallel", "split"), user("a"), user("b"), gateway("parallel", join), end(), more,
                chain("start", "split", "a", join, "end"), flow("split", "b"), flow("b", join))  # fmt: skip

    play = migrate(Play(*model("join")).do("a"), *model("meet"), mapping={"join": "meet"})

    assert play.do("b").completed


def test_a_join_whose_flow_vanished_is_refused() -> None:
    both = (start(), gateway("parallel", "split"), user("a"), user("b"), gateway("parallel", "join"), end(),
            chain("start", "split", "a", "join", "end"), flow("split", "b"), flow("b", "join"))  # fmt: skip
    cut = (start(), gateway("parallel", "split"), user("a"), user("b"), gateway("parallel", "join"), end(), end("e2"),
           chain("start", "split", "a", "e2"), flow("split", "b"), chain("b", "join", "end"))  # fmt: skip

    assert "经过的流向" in refused(Play(*both).do("a"), *cut)


def many(each: str, task: str, sequential: bool = False, out: str = "results", item: str = "item") -> tuple[str, ...]:
    repeated = loop(output=f"={item}", sequential=sequential, out=out).replace('"item"', f'"{item}"')
    inside = sub(each, start("s1"), user(task), end("s2"), chain("s1", task, "s2"), more=repeated)
    return start(), inside, end(), chain("start", each, "end")


@pytest.mark.parametrize("sequential", [False, True])
def test_a_multi_instance_in_progress_goes_on(sequential: bool) -> None:
    items = {"items": ["甲", "乙", "丙"]}
    play = Play(*many("each", "x", sequential), variables=items).do("x")
    migrate(play, *many("every", "y", sequential, "all", "one"), mapping={"each": "every", "x": "y"})

    play.do("y").do("y")
    assert play.completed
    assert play.variables == {**items, "all": ["甲", "乙", "丙"]}


def test_a_multi_instance_that_becomes_another_kind_is_refused() -> None:
    play = Play(*many("each", "x"), variables={"items": [1]})
    plain = (start(), sub("each", start("s1"), user("x"), end("s2"), chain("s1", "x", "s2")), end(),
             chain("start", "each", "end"))  # fmt: skip

    assert "由并行改为顺序" in refused(play, *many("each", "x", sequential=True))
    assert "多实例" in refused(play, *plain)


def test_event_gateways_keep_waiting_together() -> None:
    def model(first: str, *others: str) -> tuple[str, ...]:
        lines = [catch(first, MESSAGE), flow("g", first), flow(first, "join")]
        for other in others:
            lines += [catch(other, timer("timeDuration", "P1D")), flow("g", other), flow(other, "join")]
        return start(), gateway("eventBased", "g"), gateway("exclusive", "join"), end(), *lines, chain("start", "g"), \
            flow("join", "end")  # fmt: skip

    play = Play(*model("m", "t"))
    findings = told(check(play, *model("n", "u"), mapping={"m": "n"}))
    assert findings == {("moved", "m", "n"), ("unsubscribed", "t", ""), ("subscribed", "u", "u")}
    migrate(play, *model("n", "u"), mapping={"m": "n"})

    assert play.at == ["n:message", "u:timer"]
    assert play.do("u").completed


def test_called_processes_and_incidents_go_along() -> None:
    called = extension('<zeebe:calledElement processId="q"/>')
    call = f'<callActivity id="call" name="公示">{called}</callActivity>'
    body = (start(), call, end(), chain("start", "call", "end"))

    def whole(*inside: str) -> str:
        other = bpmn(*inside, process_id="q").decode()
        return other[other.index("<bpmn:process") : other.index("</bpmn:definitions>")]

    play = Play(*body, more=whole(start("q1"), job("x"), end("q2"), chain("q1", "x", "q2")))
    play.act("raise_incident", play.wait("x").token, "spent", "对方没有答复")
    target = parse(
        {"test.bpmn": bpmn(*body, more=whole(start("q1"), job("y"), user("z"), end("q2"), chain("q1", "y", "z", "q2")))}
    )
    play.process.migrate(migration.plan(play.definitions, target, {"q:x": "y"}))
    play.definitions = target
    play._turn()

    assert play.at == ["y:incident"]
    play.act("retry", play.wait("y").token).do("y").do("z")
    assert play.completed


def test_what_was_done_can_still_be_undone() -> None:
    def model(undo: str) -> tuple[str, ...]:
        handler = user(undo, attributes='isForCompensation="true"')
        return (start(), user("a"), boundary("c", "a", COMPENSATE), handler, user("b"), throw("t", COMPENSATE), end(),
                f'<association id="as" sourceRef="c" targetRef="{undo}"/>',
                chain("start", "a", "b", "t", "end"))  # fmt: skip

    play = migrate(Play(*model("undo")).do("a", paid=1), *model("pay_back"), mapping={"undo": "pay_back"})

    assert play.do("b").at == ["pay_back:user"]
    assert play.do("pay_back").completed


def test_an_error_is_caught_by_the_code_of_the_new_release() -> None:
    def model(error: str) -> tuple[str, ...]:
        return (start(), job("a"), boundary("no", "a", error), user("b"), end(), chain("start", "a", "end"),
                flow("no", "b"), end("e2"), flow("b", "e2"))  # fmt: skip

    play = migrate(Play(*model(ERROR)), *model('<errorEventDefinition errorRef="E2"/>'))

    assert play.act("throw_error", play.wait("a").token, "too_much").at == ["b:user"]


def test_what_the_new_release_cannot_listen_to_refuses_all() -> None:
    play = Play(*OLD, variables={"number": ["两个"]})
    watch = (boundary("m", "a", MESSAGE), end("e1"), flow("m", "e1"))

    with pytest.raises(Refused) as error:
        play.process.migrate(migration.plan(play.definitions, release(*OLD, *watch)))
    assert error.value.code == "correlation_key_missing"


def test_what_was_begun_in_an_adhoc_subprocess_goes_on() -> None:
    def model(id: str) -> tuple[str, ...]:
        return (start(), adhoc("x", user(id), user("photo"), begin="=wanted"), user("b"), end(),
                chain("start", "x", "b", "end"))  # fmt: skip

    play = migrate(Play(*model("visit"), variables={"wanted": ["visit"]}), *model("look"), mapping={"visit": "look"})

    assert play.at == ["look:user", "x:adhoc"]
    assert play.do("look").at == ["b:user"]


def test_local_variables_stay_with_their_step() -> None:
    old = (start(), user("a", io(("input", "=number", "local"))), user("b"), end(), chain("start", "a", "b", "end"))
    play = migrate(Play(*old), *OLD)

    assert play.process.context(play.wait("a").token)["local"] == "BZSQ-1"
