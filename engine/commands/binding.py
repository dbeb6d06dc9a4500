"""Which versions an instance of a plain deployment runs with: its process and all that it calls, pinned together.

As in Camunda a call, decision or form is bound to the newest version unless the model says otherwise (``bindingType``
deployment or versionTag). Unlike there the choice is made once, when the instance begins: a running case stays what it
was. What is found becomes a release of its own, the same for every instance that is bound alike. What that release does
not hold (deployed later, or asked for in two versions at once) is looked for when it is needed and stays so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from engine.catalog import definitions, releases
from engine.catalog.definitions import Definition, Kind
from engine.catalog.releases import ReleaseView
from engine.core.errors import Fault, ModelFault
from engine.decisions import Model, models_of
from engine.workflow import Definitions, definitions_held, parse

if TYPE_CHECKING:
    from engine.commands import Unit

_kept: dict[tuple[int, tuple[int, int]], int] = {}
_lock = Lock()
_MOST_KEPT = 10_000


@dataclass(frozen=True)
class Need:
    """What an element refers to; an id that is an expression may mean any."""

    kind: Kind
    id: str
    binding: str
    tag: str


def bound_release(session: Session, definition: Definition, by: str) -> int:
    """The id of the release that a new instance of a deployed process is pinned to."""
    key = (definition.id, definitions.generation(session))
    if (known := _kept.get(key)) is not None:
        return known
    bundle = _Bundle(session)
    bundle.gather(definition)
    # Content that came back under a new number is another release, or an instance would be told the old one.
    numbers = ",".join(sorted(str(one.id) for one in bundle.held))
    found = releases.store_deployment(session, bundle.files, by, salt=numbers).id
    definitions.link(session, found, bundle.held)
    with _lock:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = found
    return found


def called(
    unit: Unit, release: ReleaseView, held: Definitions, process_id: str, how: str, version_tag: str
) -> tuple[str, Definitions] | None:
    """Where a called process is found: None in the caller's own release, else the id of another and what it holds.

    A process that the case's release does not hold is from now on known by it, so that searches find what stands there.
    Raises ``ModelFault`` where the version asked for is nowhere.
    """
    own = held.processes.get(process_id)
    tag = version_tag if how == "versionTag" else ""
    if own is not None and (not tag or own.version_tag == tag):
        return None
    found = _elsewhere(unit.session, "process", process_id, how, tag)
    if found is None and own is None:
        return None
    if found is None:
        raise ModelFault(Fault("process_not_found", f"没有版本标签为“{tag}”的流程“{process_id}”，请部署后重试"))
    if own is None:
        definitions.link(unit.session, release.id, [found])
    release_id = bound_release(unit.session, found, unit.actor.name)
    return str(release_id), definitions_in(unit.session, release_id)


def definitions_in(session: Session, release_id: int) -> Definitions:
    """The processes of a release."""
    release = releases.view(session, release_id)
    return definitions_held(release)


def decision(unit: Unit, release: ReleaseView, held: Definitions, decision_id: str, element_id: str) -> Model:
    """The model of a decision as the element that asks for it is bound. Raises ``ModelFault``."""
    models = models_of(release.hash, lambda: release.files)
    rule = _binding_of(held, element_id) if not release.strict else {}
    tag = str(rule.get("versionTag") or "") if rule.get("bindingType") == "versionTag" else ""
    if decision_id in models and not tag:
        return models[decision_id]
    found = None if release.strict else _elsewhere(unit.session, "decision", decision_id, "", tag)
    if found is None:
        wanted = f"（版本标签“{tag}”）" if tag else ""
        raise ModelFault(Fault("unknown_decision", f"没有决策 {decision_id}{wanted}，请发布或部署后重试"))
    other = releases.view(unit.session, found.release_id)
    return models_of(other.hash, lambda: other.files)[decision_id]


def form(session: Session, release: ReleaseView, user_task: Mapping[str, Any]) -> str:
    """How the form of a user task (the attributes of its wait) is referred to, see ``releases.shown_form``.

    What is nowhere keeps its id: such a task shows its variables, and was warned of when it was deployed.
    """
    form_id = str(user_task.get("form_id") or "")
    if release.strict or not form_id:
        return form_id
    library = user_task.get("library")
    holder = release if library is None else releases.view(session, int(library))
    tag = str(user_task.get("form_version_tag") or "") if user_task.get("form_binding") == "versionTag" else ""
    if form_id not in holder.forms or tag:
        found = _elsewhere(session, "form", form_id, str(user_task.get("form_binding") or ""), tag)
        held = definitions.in_release(session, holder.id, "form", form_id)
        if found is not None and (held is None or found.id != held.id):
            return releases.form_elsewhere(form_id, found.release_id)
    return form_id if library is None else releases.form_elsewhere(form_id, holder.id)


def _binding_of(held: Definitions, element_id: str) -> dict[str, Any]:
    elements = (process.elements.get(element_id) for process in held.processes.values())
    rules = (one.extensions.get("calledDecision") for one in elements if one is not None)
    return next((dict(one) for one in rules if one), {})


def _elsewhere(session: Session, kind: Kind, wanted: str, how: str, tag: str) -> Definition | None:
    if how == "deployment":
        return None
    return definitions.of_tag(session, kind, wanted, tag) if tag else definitions.latest(session, kind, wanted)


class _Bundle:
    """The files gathered so far, and what they provide: nothing is provided twice."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.files: dict[str, bytes] = {}
        self.held: list[Definition] = []
        self.provided: set[tuple[str, str]] = set()

    def gather(self, first: Definition) -> None:
        """The resource of ``first`` and all that it reaches."""
        todo, tagged = [first], list[Definition]()
        while todo or tagged:
            # What is asked for by a tag comes last: it is also found when it is needed, another version is not.
            definition = todo.pop(0) if todo else tagged.pop(0)
            if (definition.kind, definition.definition_id) in self.provided:
                continue
            content = definitions.content(self.session, definition)
            self._add(definition, content)
            for need in _needs(definition.resource_name, content):
                (tagged if need.binding == "versionTag" else todo).extend(self._find(need, definition))

    def _add(self, definition: Definition, content: bytes) -> None:
        name = definition.resource_name
        self.files[name if name not in self.files else f"{definition.id}/{name}"] = content
        same = definitions.beside(self.session, definition)
        self.held += same
        self.provided.update((one.kind, one.definition_id) for one in same)

    def _find(self, need: Need, by: Definition) -> Iterator[Definition]:
        if need.id.startswith("="):
            yield from definitions.newest_of_all(self.session, need.kind)
            return
        if (need.kind, need.id) in self.provided:
            return
        if need.binding == "deployment":
            found = definitions.in_release(self.session, by.release_id, need.kind, need.id)
        elif need.binding == "versionTag":
            found = definitions.of_tag(self.session, need.kind, need.id, need.tag)
        else:
            found = definitions.latest(self.session, need.kind, need.id)
        # What is missing becomes an incident where it is needed, as in Camunda.
        if found is not None:
            yield found


def _needs(name: str, content: bytes) -> Iterator[Need]:
    if not name.endswith(".bpmn"):
        return
    for process in parse({name: content}, strict=False).processes.values():
        for element in process.elements.values():
            ext = element.extensions
            yield from _need("process", "processId", ext.get("calledElement"))
            yield from _need("decision", "decisionId", ext.get("calledDecision"))
            yield from _need("form", "formId", ext.get("formDefinition"))


def _need(kind: Kind, attribute: str, extension: dict[str, Any] | None) -> Iterator[Need]:
    if extension and (named := str(extension.get(attribute) or "")):
        yield Need(kind, named, str(extension.get("bindingType") or "latest"), str(extension.get("versionTag") or ""))
