"""What a file says, element by element, before anything executable is made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from engine.workflow.definitions import ElementInfo
from engine.workflow.expressions import Expression
from engine.workflow.specs.adhoc import AdHocRules
from engine.workflow.specs.events import Trigger
from engine.workflow.specs.listeners import ListenerModel
from engine.workflow.specs.multi import Loop

from .document import Document, XmlNode


@dataclass
class FlowModel:
    """A sequence flow."""

    id: str
    source: str
    target: str
    name: str
    condition: Expression | None
    xml: XmlNode


@dataclass
class ElementModel:
    """A flow node with everything read from it."""

    info: ElementInfo
    xml: XmlNode
    trigger: Trigger | None = None
    activity_ref: str | None = None
    link: str | None = None
    loop: Loop | None = None
    body: BodyModel | None = None
    adhoc: AdHocRules | None = None
    default: str | None = None
    attached_to: str | None = None
    interrupting: bool = True
    for_compensation: bool = False
    by_event: bool = False
    inputs: list[tuple[Expression, str]] = field(default_factory=list)
    outputs: list[tuple[Expression, str]] = field(default_factory=list)
    texts: dict[str, Expression] = field(default_factory=dict)
    # In the file's order; those before a multi-instance's collection is read stand apart.
    listeners: list[ListenerModel] = field(default_factory=list)
    before_all: list[ListenerModel] = field(default_factory=list)

    @property
    def type(self) -> str:
        return self.info.type

    @property
    def is_activity(self) -> bool:
        return self.type.endswith("Task") or self.type in ("task", "subProcess", "adHocSubProcess", "callActivity")

    @property
    def beside_the_flow(self) -> bool:
        """Reached otherwise than along sequence flows."""
        return self.for_compensation or self.by_event


@dataclass
class BodyModel:
    """A process or a sub-process."""

    id: str
    process_id: str
    document: Document
    xml: XmlNode
    elements: dict[str, ElementModel] = field(default_factory=dict)
    flows: dict[str, FlowModel] = field(default_factory=dict)
    listeners: list[ListenerModel] = field(default_factory=list)
    associations: dict[str, str] = field(default_factory=dict)
    # Of an ad-hoc sub-process: what may be begun in it.
    startable: list[str] = field(default_factory=list)
    # Of an event sub-process: the ids of the elements it was drawn beside, which it may undo.
    around: set[str] = field(default_factory=set)

    leaving: defaultdict[str, list[FlowModel]] = field(default_factory=lambda: defaultdict(list))
    arriving: defaultdict[str, list[FlowModel]] = field(default_factory=lambda: defaultdict(list))

    @cached_property
    def catches(self) -> Mapping[str, list[str]]:
        """The ids of the events that catch a link, by its name; to be asked when all elements are known."""
        found = defaultdict[str, list[str]](list)
        for element in self.elements.values():
            if element.link and element.type == "intermediateCatchEvent":
                found[element.link].append(element.info.id)
        return found

    def add(self, flow: FlowModel) -> None:
        """Add a flow; both ends list it in the file's order."""
        self.flows[flow.id] = flow
        self.leaving[flow.source].append(flow)
        self.arriving[flow.target].append(flow)
