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
from connectors._kit import simulation
from engine.commands.files import use_public_url
from engine.core import config, db, secrets
from engine.core.config import Config
from engine.files.store import FileStore
from engine.workers.files import StoredFiles
from web import assets, errors, pages, security

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Operations of the engine itself: importing a module puts its operations into the vocabulary.
VOCABULARY = (
    "engine.cases.lawful_clock",
    "engine.cases.documents",
    "engine.commands.files",
    "engine.commands.notify",
    "engine.commands.parameters",
    "engine.registers.households",
    "engine.registers.notices",
)
# Tables that no operation mentions, and the handlers of every command.
MODULES = (
    "engine.commands.accounts",
    "engine.commands.admin",
    "engine.commands.cases",
    "engine.commands.incidents",
    "engine.commands.jobs",
    "engine.commands.messages",
    "engine.commands.publish",
    "engine.commands.tasks",
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


def simulators() -> WSGIApplication:
    """The other parties' simulators as one WSGI application."""
    return simulation.create_all()


def _data_defaults(env: dict[str, str]) -> None:
    """Settings of connectors that follow from where the data lies and where we listen."""
    data = Path(env.get("ANJU_DATA", "var")).resolve()
    env.setdefault("ANJU_SEAL_DIR", str(data / "seal"))
    env.setdefault("ANJU_CALLBACK_URL", f"http://127.0.0.1:{env.get('ANJU_PORT', '8000')}")


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
