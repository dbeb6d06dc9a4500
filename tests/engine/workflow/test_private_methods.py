"""The engine leans on inner methods of SpiffWorkflow: this list must hold for the pinned version."""

from importlib.metadata import version

import pytest
from SpiffWorkflow.specs import WorkflowSpec
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.task import Task
from SpiffWorkflow.workflow import Workflow

from engine.workflow.specs.base import Node
from engine.workflow.tokens import Frame, Token

CALLED = {
    Task: ("_set_state", "_ready", "run", "complete", "cancel", "has_state"),
    TaskSpec: ("_update",),
    WorkflowSpec: ("_add_notify",),
}
OVERRIDDEN = {
    (Task, Token): ("_set_state",),
    (TaskSpec, Node): ("test", "_update_hook", "_on_ready_hook", "_run_hook", "_on_complete_hook", "_on_cancel"),
    (Workflow, Frame): ("_task_completed_notify", "collect_log_extras"),
}


def test_the_version_is_the_one_that_was_read() -> None:
    assert version("SpiffWorkflow") == "3.2.0"


@pytest.mark.parametrize(("owner", "name"), [(owner, name) for owner, names in CALLED.items() for name in names])
def test_a_method_that_is_called_exists(owner: type, name: str) -> None:
    assert callable(getattr(owner, name))


@pytest.mark.parametrize(("pair", "name"), [(pair, name) for pair, names in OVERRIDDEN.items() for name in names])
def test_a_method_that_is_overridden_is_still_one_of_the_base(pair: tuple[type, type], name: str) -> None:
    base, ours = pair

    assert hasattr(base, name)
    assert getattr(ours, name) is not getattr(base, name)


def test_completing_calls_our_hook_and_then_tells_the_frame() -> None:
    """The order the engine relies on: next tokens are spawned before the frame asks whether it is empty."""
    names = TaskSpec._on_complete.__code__.co_names

    assert names.index("_on_complete_hook") < names.index("_task_completed_notify")
