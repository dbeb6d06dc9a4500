"""A new item to begin with: one form, one person who decides, two outcomes, and a path that proves it."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from engine.core.errors import Refused

STARTER = Path(__file__).parent / "starter"
DOMAINS = ("rental", "talent", "construction", "rural", "fund")
# Starter file → where it goes.
PLACES = {
    "item.yaml": "processes/{item}/item.yaml",
    "process.bpmn": "processes/{item}/{name}.bpmn",
    "apply.form": "forms/{item}/apply.form",
    "decide.form": "forms/{item}/decide.form",
    "paths.yaml": "tests/items/{item}/paths.yaml",
}


def write(root: Path, item: str, title: str) -> list[str]:
    """Write the starter under ``root``; gives the paths written. Raises ``Refused`` for a bad or a taken name."""
    domain, _, name = item.partition("/")
    if domain not in DOMAINS or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        domains = "、".join(DOMAINS)
        raise Refused(f"名称应写作 领域/名称，领域为 {domains}，名称用小写字母和下划线", code="bad_item_name")
    if (root / "processes" / item).exists():
        raise Refused(f"事项 {item} 已存在，请换一个名称", code="item_exists")
    written = []
    for source, place in PLACES.items():
        target = root / place.format(item=item, name=name)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = Template((STARTER / source).read_text(encoding="utf-8"))
        target.write_text(text.substitute(id=f"{domain}_{name}", title=title), encoding="utf-8")
        written.append(target.relative_to(root).as_posix())
    return written
