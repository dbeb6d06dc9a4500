"""Everything that talks to another party: one folder per party, named in Chinese only on the wire.

``load_all`` is the single door for the rest of the system; it fills the settings and registers the operations. A party
is found by listing this folder, the folder named in ``ANJU_CONNECTORS`` and the entry points ``anju.connectors``.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from connectors._kit import settings
from connectors._kit.manifest import Connector, folders, read
from engine.core import operations, parties
from engine.core.errors import Refused

GROUP = "anju.connectors"
FURTHER = "ANJU_CONNECTORS"
HERE = Path(__file__).parent
# Where a connector.yaml says that its simulator is found.
SIMULATORS = "http://127.0.0.1:8010"


def manifests(environ: Mapping[str, str] | None = None) -> list[Connector]:
    """What every party declares, in the order of their keys. Imports no party's code. Raises ``ValueError``."""
    found = [read(folder / "connector.yaml") for folder in folders(_further(environ))] + _installed()
    keys = [one.party for one in found]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"two folders declare the party {key}")
    return sorted(found, key=lambda one: one.party)


def load_all(environ: Mapping[str, str]) -> list[Connector]:
    """Fill the settings of every party from ``environ`` and register it with its operations.

    Raises ``Refused`` (code ``bad_setting``, ``demo_secret``) where a value cannot be used, ``ValueError`` where a
    folder declares other operations than it registers.
    """
    connectors = manifests(environ)
    for connector in connectors:
        load(connector, environ)
    return connectors


def load(connector: Connector, environ: Mapping[str, str]) -> None:
    """Fill the settings of one party and register it; raises as ``load_all`` does."""
    settings.fill(connector, environ)
    parties.register(connector.as_party)
    importlib.import_module(f"{connector.package}.operations")
    registered = {name for name, found in operations.vocabulary().items() if found.party == connector.party}
    if registered != set(connector.operations):
        raise ValueError(f"{connector.party}: connector.yaml and operations.py name different operations")
    operations.settle(connector.party, retries=connector.retries, purpose=connector.purpose)


def simulated(base: str) -> dict[str, str]:
    """The settings that lead to a simulator of the demo, with ``base`` in the place of the demo's own address."""
    return {
        setting.env: base + setting.default.removeprefix(SIMULATORS)
        for one in manifests()
        for setting in one.settings
        if setting.default and setting.default.startswith(f"{SIMULATORS}/")
    }


def _further(environ: Mapping[str, str] | None) -> tuple[Path, ...]:
    """A folder of connectors beside ours: its parties are imported as if they lay here."""
    place = (os.environ if environ is None else environ).get(FURTHER, "")
    if not place:
        return ()
    if not Path(place).is_dir():
        raise Refused(f"{FURTHER} 指向的目录不存在：{place}", code="bad_setting")
    if place not in __path__:
        __path__.append(place)
    return (Path(place),)


def _installed() -> list[Connector]:
    """Parties of installed packages: each entry point names the package that holds a ``connector.yaml``."""
    found = []
    for one in entry_points(group=GROUP):
        spec = find_spec(one.value)
        if spec is None or spec.origin is None:
            raise ValueError(f"entry point {one.name}: there is no package {one.value}")
        found.append(read(Path(spec.origin).with_name("connector.yaml"), one.value))
    return found
