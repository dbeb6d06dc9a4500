"""What reading one file shares: its name, known names, types, and the faults found so far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from engine.core.errors import Fault
from engine.decisions.itemtypes import ItemTypes
from engine.decisions.model import Literal, Table
from engine.decisions.xml import Element, attribute, line_of
from engine.feel import Expression, FeelError, Type
from engine.feel.expression import Mode


@dataclass(slots=True)
class Reading:
    """The state of reading one file. Faults are gathered, so that an analyst sees all of them at once."""

    file: str
    names: frozenset[str]
    types: ItemTypes
    faults: list[Fault]
    tables: list[Table] = field(default_factory=list)
    literals: list[Literal] = field(default_factory=list)
    owner: str = ""
    owner_name: str = ""
    reads: set[str] = field(default_factory=set)

    def expression(
        self,
        text: str,
        element: Element,
        name: str = "",
        *,
        mode: Mode = "expression",
    ) -> Expression | None:
        """The compiled text, or None with a fault at ``element``."""
        try:
            found = Expression(text, self.names, mode, self.types.all)
        except FeelError as error:
            self.fault(error.faults[0], element, name)
            return None
        self.reads |= found.names | found.item_names
        return found

    def fault(self, fault: Fault, element: Element, name: str = "") -> None:
        """Keep a fault with its place."""
        self.faults.append(
            replace(
                fault,
                file=self.file,
                element=attribute(element, "id") or self.owner,
                name=name or attribute(element, "name") or self.owner_name,
                line=line_of(element),
            )
        )

    def wrong(self, code: str, message: str, element: Element, name: str = "", hint: str = "") -> None:
        """Keep a new fault."""
        self.fault(Fault(code, message, hint=hint), element, name)

    def type_of(self, element: Element) -> Type | None:
        """The type its ``typeRef`` names."""
        return self.types.resolve(attribute(element, "typeRef"), element)
