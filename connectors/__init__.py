"""Everything that talks to another party: one folder per party, named in Chinese only on the wire.

``load_all`` is the single door for the rest of the system; it fills the settings and registers the operations.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

from connectors._kit import settings
from connectors._kit.manifest import Connector, read
from engine.core.operations import vocabulary

HERE = Path(__file__).parent


def manifests() -> list[Connector]:
    """What every party's folder declares, in the order of the folders' names. Imports no party's code."""
    return [read(path) for path in sorted(HERE.glob("[a-z]*/connector.yaml"))]


def load_all(environ: Mapping[str, str]) -> list[Connector]:
    """Fill the settings of every party from ``environ`` and register its operations.

    Raises ``Refused`` (code ``bad_setting``) where a value cannot be used, ``ValueError`` where a folder declares other
    operations than it registers.
    """
    connectors = manifests()
    for connector in connectors:
        settings.fill(connector, environ)
        importlib.import_module(f"connectors.{connector.party}.operations")
        registered = {name for name, found in vocabulary().items() if found.party == connector.party}
        if registered != set(connector.operations):
            raise ValueError(f"{connector.party}: connector.yaml and operations.py name different operations")
    return connectors
