"""The one place where the parts are put together: settings, keys, database, connectors, pages.

``build`` serves web, worker and command line alike; ``create_app`` adds the pages.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

import connectors
from connectors._kit import rehearsal, simulation, workbench
from connectors._kit.files import bench as files_bench
from engine.commands.files import use_public_url
from engine.core import config, db, secrets
from engine.core.config import Config
from engine.core.errors import Refused
from engine.files.store import FileStore
from engine.workers.files import StoredFiles
from web import api, assets, errors, pages, security

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from _typeshed.wsgi import WSGIApplication

    from engine.core.operations import Answer, Pending

# Operations of the engine itself: importing a module puts its operations into the vocabulary.
VOCABULARY = (
    "engine.cases.lawful_clock",
    "engine.cases.documents",
    "engine.cases.revocation",
    "engine.commands.files",
    "engine.commands.notify",
    "engine.commands.parameters",
    "engine.outside.consent",
    "engine.registers.eligibilities",
    "engine.registers.households",
    "engine.registers.notices",
)
# Tables that no operation mentions, and the handlers of every command.
MODULES = (
    "engine.commands.accounts",
    "engine.commands.admin",
    "engine.commands.bank",
    "engine.commands.alarms",
    "engine.commands.calendar",
    "engine.commands.assigning",
    "engine.commands.cases",
    "engine.commands.clients",
    "engine.commands.deploy",
    "engine.commands.deputies",
    "engine.commands.esign",
    "engine.commands.handover",
    "engine.commands.extension",
    "engine.commands.handed_down",
    "engine.commands.inbound",
    "engine.commands.incidents",
    "engine.commands.instances",
    "engine.commands.invoice_answers",
    "engine.commands.invoices",
    "engine.commands.jobs",
    "engine.commands.messages",
    "engine.commands.migrations",
    "engine.commands.operate",
    "engine.commands.outside",
    "engine.commands.payments",
    "engine.commands.publish",
    "engine.commands.red_invoices",
    "engine.commands.reporting",
    "engine.commands.reconciliation",
    "engine.commands.refunds",
    "engine.commands.retention",
    "engine.commands.reviews",
    "engine.commands.tasks",
    "engine.commands.user_tasks",
    "engine.commands.versions",
    "engine.core.demo_clock",
    "engine.outside.ledger",
)


@dataclass(frozen=True)
class Parts:
    """What every process of an installation has in hand."""

    config: Config
    store: FileStore
    files: StoredFiles
    connectors: list[connectors.Connector]
    flask: Flask


def build(environ: Mapping[str, str] | None = None) -> Parts:
    """Settings, keys, database, files, vocabulary. Raises ``Refused`` with one sentence for a bad setting."""
    env = dict(os.environ if environ is None else environ)
    _data_defaults(env)
    loaded = load_vocabulary(env)
    settings = config.load(env, {setting.env for one in loaded for setting in one.settings})
    settings.data.mkdir(parents=True, exist_ok=True)
    keys = secrets.load_or_make(settings.keys, settings.data)
    secrets.use(keys)
    use_public_url(settings)
    flask = _flask(settings)
    store = FileStore(settings.data / "files", keys.seal_bytes, keys.unseal_bytes)
    return Parts(settings, store, StoredFiles(store), loaded, flask)


def load_vocabulary(environ: Mapping[str, str]) -> list[connectors.Connector]:
    """Register every operation, ours and the connectors'; needs no database."""
    loaded = connectors.load_all(environ)
    for module in VOCABULARY + MODULES:
        importlib.import_module(module)
    return loaded


def all_settings() -> dict[str, str]:
    """Every setting and what it is for."""
    found = dict(config.KNOWN)
    for one in connectors.manifests():
        found.update({setting.env: f"{one.title}：{setting.title}" for setting in one.settings})
    return found


def simulators(*, listening: bool = False) -> WSGIApplication:
    """The other parties' simulators as one WSGI application; ``listening`` opens ports and folders too."""
    made = simulation.create_all()
    if listening:
        simulation.listen(made.state)
    return made


def declared() -> list[connectors.Connector]:
    """Every party's manifest."""
    return connectors.manifests()


def new_connector(party: str, into: Path | None, asks: Sequence[str], gives: Sequence[str], **words: str) -> list[Path]:
    """Make a new party's folder in ``into``, ``ANJU_CONNECTORS`` or beside ours; gives the files made."""
    place = into or Path(os.environ.get(connectors.FURTHER) or connectors.HERE)
    inputs, outputs = [workbench.named(one) for one in asks], [workbench.named(one) for one in gives]
    return workbench.new(party, place, inputs, outputs, **words)


def check_connectors(parties: Sequence[str]) -> list[str]:
    """What keeps each party from its level."""
    return rehearsal.problems([one for one in declared() if one.party in parties])


def rehearse(parties: Sequence[str], *, record: Path | None, replay: Path | None) -> Iterator[workbench.Rehearsed]:
    """Every operation of these parties in every scenario of their simulators."""
    env = dict(os.environ)
    _data_defaults(env)
    chosen = [one for one in declared() if one.party in parties]
    return rehearsal.rehearse(chosen, connectors.load, env, record=record, replay=replay)


def try_operation(operation: str, inputs: Mapping[str, object], *, live: bool, record: Path | None) -> Answer | Pending:
    """One call, against the simulator or (``live``) whoever the settings point at."""
    env = dict(os.environ)
    _data_defaults(env)
    party = next((one for one in declared() if one.party == operation.partition(".")[0]), None)
    if party is None:
        raise Refused(f"没有名为 {operation} 的操作，用 anju connector list 查看", code="unknown_operation")
    return rehearsal.attempt(party, connectors.load, env, operation, inputs, live=live, record=record)


def simulator_addresses(base: str) -> dict[str, str]:
    """The settings that lead every party to its simulator under ``base``."""
    return connectors.simulated(base)


def speeds_of_files(lines: int) -> dict[str, float]:
    """Lines a second that the parts for batch files read, build and match."""
    return files_bench.measure(lines)


def _data_defaults(env: dict[str, str]) -> None:
    """Settings of connectors that follow from where the data lies and where we listen."""
    data = Path(env.get("ANJU_DATA", "var")).resolve()
    env.setdefault("ANJU_SEAL_DIR", str(data / "seal"))
    for name in ("ANJU_CALLBACK_URL", "ANJU_ESIGN_NOTIFY_URL", "ANJU_INVOICE_NOTIFY_URL", "ANJU_PAYMENT_NOTIFY_URL"):
        env.setdefault(name, f"http://127.0.0.1:{env.get('ANJU_PORT', '8000')}")


def _flask(settings: Config) -> Flask:
    """Flask with Flask-SQLAlchemy on our metadata; core gets the engine and nobody uses ``db.session``."""
    app = Flask("web", root_path=str(Path(__file__).parent), static_url_path="/static")
    app.config.update(
        SECRET_KEY=secrets.session_key(settings.secret_key, settings.data),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=db.options(settings.database_url),
        MAX_CONTENT_LENGTH=32 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
    )
    database = SQLAlchemy(metadata=db.Base.metadata)
    database.init_app(app)
    with app.app_context():
        db.use(db.prepare(database.engine))
    return app


def create_app(environ: Mapping[str, str] | None = None, parts: Parts | None = None) -> Flask:
    """The web application."""
    parts = parts or build(environ)
    app = parts.flask
    app.extensions["anju"] = parts
    security.install(app, parts.config)
    assets.install(app)
    errors.install(app)
    pages.install(app)
    api.install(app)
    return app


def set_up_logging(level: int = logging.INFO) -> None:
    """One line per event on standard error; extras stand behind it as ``key=value``."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    root = logging.getLogger("anju")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False


_PLAIN = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {"message", "asctime", "taskName"}


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        extras = " ".join(f"{key}={value}" for key, value in record.__dict__.items() if key not in _PLAIN)
        line = f"{self.formatTime(record)} {record.levelname.lower()} {record.name} {record.getMessage()} {extras}"
        return line.rstrip() + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")
