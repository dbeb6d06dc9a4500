"""Random process models, sound by construction: a tree of blocks, each with one way in and one way out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, pairwise

from hypothesis import strategies as st

from tests.engine.workflow.kit import (
    ERROR,
    MESSAGE,
    boundary,
    catch,
    end,
    event_sub,
    extension,
    flow,
    gateway,
    io,
    job,
    start,
    sub,
    timer,
    user,
)

GIVEN = ("number", "pick", "mask", "items")


@dataclass
class Attached:
    """A boundary event, or an event sub-process. ``kind``: timer, cycle (two times), message, error."""

    kind: str
    interrupting: bool
    body: Block | None
    id: str = ""


@dataclass
class Block:
    """``n`` picks a variant; ``events`` are boundary events (``inside``: event sub-processes)."""

    kind: str
    parts: list[Block] = field(default_factory=list)
    n: int = 0
    events: list[Attached] = field(default_factory=list)
    inside: list[Attached] = field(default_factory=list)
    id: str = ""

    def walk(self) -> Iterator[Block]:
        """This block and all inside it."""
        yield self
        for part in [*self.parts, *(one.body for one in [*self.events, *self.inside] if one.body)]:
            yield from part.walk()

    @property
    def names(self) -> list[str]:
        """The counters its loops and scripts keep."""
        return [f"l_{b.id}" for b in self.walk() if b.kind == "loop"] + [
            f"c_{b.id}" for b in self.walk() if b.kind == "script"
        ]


LEAVES = ("user", "job", "pass", "script", "multi")
NESTED = ("seq", "seq", "xor", "and", "or", "loop", "event", "sub", "multisub", "call")


@st.composite
def blocks(draw: st.DrawFn, depth: int = 3) -> Block:
    """A tree of blocks; the root is a process."""
    parts = [draw(_block(depth, NESTED)) for _ in range(draw(st.integers(1, 3)))]
    return Block("process", [Block("seq", parts)], inside=draw(_events(depth, inside=True)))


@st.composite
def _block(draw: st.DrawFn, depth: int, kinds: tuple[str, ...] = LEAVES + NESTED) -> Block:
    kind = draw(st.sampled_from(LEAVES if depth == 0 else kinds))
    most = {"seq": 3, "xor": 3, "and": 3, "or": 3, "event": 2}.get(kind, 1)
    least = 2 if kind in ("and", "event") else 1
    parts = [] if kind in LEAVES else draw(st.lists(_block(depth - 1), min_size=least, max_size=most))
    block = Block(kind, parts, draw(st.integers(0, 5)))
    if kind in ("user", "job", "multi", "sub", "multisub", "call"):
        block.events = draw(_events(depth, inside=False))
    if kind in ("sub", "multisub", "call"):
        block.inside = draw(_events(depth, inside=True))
    return block


@st.composite
def _events(draw: st.DrawFn, depth: int, inside: bool) -> list[Attached]:
    kinds = draw(st.lists(st.sampled_from(["timer", "cycle", "message", "error"]), max_size=2, unique=True))
    if draw(st.booleans()):
        kinds = []
    found = []
    for kind in kinds:
        interrupting = kind == "error" or (kind != "cycle" and draw(st.booleans()))
        body = draw(_block(max(depth - 2, 0))) if inside or interrupting else None
        found.append(Attached(kind, interrupting, body))
    return found


def numbered(root: Block) -> Block:
    """Give every block and event its id."""
    numbers = count()
    for block in root.walk():
        block.id = f"{block.kind}{next(numbers)}"
        for one in [*block.events, *block.inside]:
            one.id = f"ev{next(numbers)}"
    return root


class Drawing:
    """Writes a numbered tree as BPMN. ``lines``: the elements of the body being drawn."""

    def __init__(self, processes: list[str], items: tuple[str, ...] = ()) -> None:
        self.lines: list[str] = []
        self.processes, self.items = processes, items

    def body(self, first: str, block: Block, last: str) -> list[str]:
        """A body with its start event ``first`` drawn elsewhere if need be."""
        begin, finish = self.draw(block)
        return [*self.lines, end(last), flow(first, begin), flow(finish, last)]

    def draw(self, block: Block) -> tuple[str, str]:
        first, last = getattr(self, "_" + block.kind)(block)
        return first, self._boundaries(block, last)

    def _boundaries(self, block: Block, last: str) -> str:
        merge = f"{block.id}_m"
        if any(one.interrupting for one in block.events):
            self.lines += [gateway("exclusive", merge), flow(last, merge)]
            last = merge
        for one in block.events:
            self.lines.append(boundary(one.id, block.id, definition(one), one.interrupting))
            if one.body is not None:
                begin, finish = self.draw(one.body)
                self.lines += [flow(one.id, begin), flow(finish, merge)]
            else:
                self.lines += [user(f"{one.id}_h"), end(f"{one.id}_x"), flow(one.id, f"{one.id}_h")]
                self.lines.append(flow(f"{one.id}_h", f"{one.id}_x"))
        return last

    def _one(self, block: Block, line: str) -> tuple[str, str]:
        self.lines.append(line)
        return block.id, block.id

    def _user(self, block: Block) -> tuple[str, str]:
        return self._one(block, user(block.id))

    def _job(self, block: Block) -> tuple[str, str]:
        return self._one(block, job(block.id))

    def _pass(self, block: Block) -> tuple[str, str]:
        return self._one(block, f'<task id="{block.id}"/>')

    def _script(self, block: Block) -> tuple[str, str]:
        name = f"c_{block.id}"
        return self._one(block, script(block.id, f"=if {name} = null then 1 else {name} + 1", name))

    def _multi(self, block: Block) -> tuple[str, str]:
        return self._one(block, user(block.id, more=many(block)))

    def _seq(self, block: Block) -> tuple[str, str]:
        ends = [self.draw(part) for part in block.parts]
        self.lines += [flow(last, first) for (_, last), (first, _) in pairwise(ends)]
        return ends[0][0], ends[-1][1]

    def _xor(self, block: Block) -> tuple[str, str]:
        return self._branches("exclusive", block, "=pick = {0}", straight=False)

    def _or(self, block: Block) -> tuple[str, str]:
        return self._branches("inclusive", block, "=mask[{0} + 1]", straight=True)

    def _and(self, block: Block) -> tuple[str, str]:
        return self._branches("parallel", block, "", straight=False)

    def _branches(self, kind: str, block: Block, condition: str, straight: bool) -> tuple[str, str]:
        split, join, default = f"{block.id}_s", f"{block.id}_j", f"{block.id}_d"
        self.lines += [gateway(kind, split, default if condition else ""), gateway(kind, join)]
        for number, part in enumerate(block.parts):
            first, last = self.draw(part)
            otherwise = bool(condition) and not straight and part is block.parts[-1]
            written = "" if otherwise else condition.format(number)
            self.lines += [flow(split, first, written, default if otherwise else ""), flow(last, join)]
        if straight:
            self.lines.append(flow(split, join, id=default))
        return split, join

    def _loop(self, block: Block) -> tuple[str, str]:
        name, counter = block.id, f"l_{block.id}"
        first, last = self.draw(block.parts[0])
        self.lines += [
            script(f"{name}_0", "=0", counter), script(f"{name}_i", f"={counter} + 1", counter),
            gateway("exclusive", f"{name}_in"), gateway("exclusive", f"{name}_s", f"{name}_d"),
            f'<task id="{name}_out"/>', flow(f"{name}_0", f"{name}_in"), flow(f"{name}_in", first),
            flow(last, f"{name}_i"), flow(f"{name}_i", f"{name}_s"),
            flow(f"{name}_s", f"{name}_in", f"={counter} < {times(block)}"),
            flow(f"{name}_s", f"{name}_out", id=f"{name}_d"),
        ]  # fmt: skip
        return f"{name}_0", f"{name}_out"

    def _event(self, block: Block) -> tuple[str, str]:
        name = block.id
        catches = {f"{name}_m": MESSAGE, f"{name}_t": timer("timeDuration", "PT1H")}
        self.lines += [gateway("eventBased", f"{name}_g"), gateway("exclusive", f"{name}_j")]
        for (one, what), part in zip(catches.items(), block.parts, strict=True):
            first, last = self.draw(part)
            self.lines += [catch(one, what), flow(f"{name}_g", one), flow(one, first), flow(last, f"{name}_j")]
        return f"{name}_g", f"{name}_j"

    def _sub(self, block: Block) -> tuple[str, str]:
        return self._one(block, sub(block.id, *self._inside(block, self.items)))

    def _multisub(self, block: Block) -> tuple[str, str]:
        local = io(*(("input", "=0", name) for name in block.names))
        inside = self._inside(block, (*self.items, f"item_{block.id}"))
        return self._one(block, sub(block.id, extension(local), *inside, more=many(block)))

    def _inside(self, block: Block, items: tuple[str, ...]) -> list[str]:
        begin = f"{block.id}_b"
        inner = Drawing(self.processes, items)
        lines = [start(begin), *inner.body(begin, block.parts[0], f"{block.id}_e")]
        for one in block.inside:
            assert one.body is not None
            body = Drawing(self.processes, items).body(f"{one.id}_start", one.body, f"{one.id}_e")
            lines.append(event_sub(one.id, definition(one), *body, interrupting=one.interrupting))
        return lines

    def _call(self, block: Block) -> tuple[str, str]:
        inside = "".join(self._inside(block, self.items))
        self.processes.append(f'<process id="{block.id}_p" isExecutable="true">{inside}</process>')
        give = [("input", f"={name}", name) for name in (*GIVEN, *self.items)]
        take = [] if takes_all(block) else [("output", "=pick + 1", f"r_{block.id}")]
        facts = f'processId="{block.id}_p" propagateAllParentVariables="false"'
        child = "true" if takes_all(block) else "false"
        called = f'<zeebe:calledElement {facts} propagateAllChildVariables="{child}"/>'
        return self._one(block, f'<callActivity id="{block.id}">{extension(called + io(*give, *take))}</callActivity>')

    def process(self, root: Block) -> list[str]:
        """The lines of the process itself."""
        return self._inside(root, ())


def times(block: Block) -> int:
    """How often a loop runs."""
    return 1 + block.n % 3


def takes_all(block: Block) -> bool:
    """Whether a call takes over all variables of the called process."""
    return block.n % 2 == 0


def is_sequential(block: Block) -> bool:
    """Whether the instances come one after the other."""
    return block.n % 2 == 1


def enough(block: Block) -> int | None:
    """After how many instances the rest is not wanted.

    Not of sub-processes side by side: which of several that need nobody comes first is nobody's business.
    """
    if block.n < 3 or (block.kind == "multisub" and not is_sequential(block)):
        return None
    return block.n - 2


def many(block: Block) -> str:
    """The multi-instance of a block."""
    facts = (
        f'<zeebe:loopCharacteristics inputCollection="=items" inputElement="item_{block.id}" '
        f'outputCollection="out_{block.id}" outputElement="=item_{block.id} * 10"/>'
    )
    stop = f"=numberOfCompletedInstances = {enough(block)}"
    until = f"<completionCondition>{stop}</completionCondition>" if enough(block) else ""
    flag = "true" if is_sequential(block) else "false"
    tag = "multiInstanceLoopCharacteristics"
    return f'<{tag} isSequential="{flag}">{extension(facts)}{until}</{tag}>'


def script(id: str, expression: str, result: str) -> str:
    """A FEEL script."""
    text = expression.replace("<", "&lt;")
    facts = extension(f'<zeebe:script expression="{text}" resultVariable="{result}"/>')
    return f'<scriptTask id="{id}">{facts}</scriptTask>'


def definition(one: Attached) -> str:
    """The event definition of an event."""
    times = {"timer": ("timeDuration", "PT1H"), "cycle": ("timeCycle", "R2/PT1H")}
    return timer(*times[one.kind]) if one.kind in times else {"message": MESSAGE, "error": ERROR}[one.kind]
