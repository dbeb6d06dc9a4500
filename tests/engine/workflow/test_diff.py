"""Two releases side by side, in words."""

from engine.workflow import diff, parse
from tests.engine.workflow.kit import (
    MESSAGE,
    boundary,
    bpmn,
    catch,
    chain,
    end,
    event_sub,
    flow,
    gateway,
    io,
    loop,
    start,
    sub,
    timer,
    user,
)


def compare(before: tuple[str, ...], after: tuple[str, ...]) -> diff.Diff:
    return diff.compare(*(parse({"test.bpmn": bpmn(*body)}) for body in (before, after)))


def line(task: str, *more: str) -> tuple[str, ...]:
    return (start(), task, end(), chain("start", "a", "end"), *more)


def changes(before: str, after: str) -> dict[str, tuple[str, str]]:
    found = compare(line(before), line(after))
    return {one.aspect: (one.before, one.after) for change in found.changed for one in change.differences}


def test_the_same_model_differs_in_nothing() -> None:
    assert not compare(line(user("a")), line(user("a")))


def test_elements_and_flows_come_and_go() -> None:
    longer = (start(), user("a"), user("b"), end(), chain("start", "a", "b", "end"))
    found = compare(line(user("a")), longer)

    assert [(one.element_id, one.type_name) for one in found.added] == [
        ("b", "人工任务"),
        ("a-b", "流向"),
        ("b-end", "流向"),
    ]
    assert [one.element_id for one in found.removed] == ["a-end"]
    assert not found.changed


def test_attributes_mappings_and_forms_are_named() -> None:
    before = user("a", '<zeebe:formDefinition formId="review"/>' + io(("input", "=number", "no")))
    after = user("a", '<zeebe:formDefinition formId="review_2"/>' + io(("input", "=other", "no"))).replace(
        "办理a", "复核"
    )

    assert changes(before, after) == {
        "名称": ("办理a", "复核"),
        "表单 · formId": ("review", "review_2"),
        "输入输出映射 · inputs · no": ("=number", "=other"),
    }


def test_multi_instances_are_described() -> None:
    found = changes(user("a"), user("a", more=loop(until="=done")))

    assert found["多实例"] == ("", "并行")
    assert found["多实例 · 完成条件"] == ("", "=done")


def test_conditions_and_defaults_are_described() -> None:
    def model(condition: str, default: str) -> tuple[str, ...]:
        ways = [flow("g", one, condition if default != f"g-{one}" else "") for one in ("a", "b")]
        return (start(), gateway("exclusive", "g", default), user("a"), user("b"), end(), *ways,
                chain("start", "g"), chain("a", "end"), chain("b", "end"))  # fmt: skip

    found = compare(model("=x > 1", "g-b"), model("=x > 2", "g-b"))
    assert [(c.name, d.aspect, d.before, d.after) for c in found.changed for d in c.differences] == [
        ("网关g → 办理a", "条件", "=x > 1", "=x > 2")
    ]
    turned = compare(model("=x > 1", "g-b"), model("=x > 1", "g-a"))
    assert ("默认流向", "g-b", "g-a") in [(d.aspect, d.before, d.after) for c in turned.changed for d in c.differences]


def test_events_are_described() -> None:
    def model(time: str, interrupting: bool, host: str) -> tuple[str, ...]:
        late = boundary("late", host, timer("timeDuration", time), interrupting)
        inside = sub("s", start("s1"), end("s2"), chain("s1", "s2"))
        return (*line(user("a"), catch("m", MESSAGE), inside, chain("start", "m", "s", "end")), late, end("e2"),
                flow("late", "e2"))  # fmt: skip

    found = compare(model("P1D", True, "a"), model("P2D", False, "s"))
    assert [(d.aspect, d.before, d.after) for c in found.changed for d in c.differences] == [
        ("定时（时长）", "P1D", "P2D"),
        ("所附环节", "办理a", "子流程s"),
        ("中断", "是", "否"),
    ]


def test_elements_inside_subprocesses_are_compared() -> None:
    def watch(name: str) -> str:
        inside = user("h").replace("办理h", name)
        return event_sub("esp", MESSAGE, inside, end("h2"), chain("esp_start", "h", "h2"))

    found = compare(line(user("a"), watch("核实")), line(user("a"), watch("复核")))

    assert [(one.element_id, one.differences[0].after) for one in found.changed] == [("h", "复核")]
