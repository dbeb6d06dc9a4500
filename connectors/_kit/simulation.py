"""All simulated parties as one web application: ``/<party>/…``, the scenario page and the book of calls."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, redirect, render_template, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Response as AnyResponse

from connectors._kit.manifest import Connector, folders, read
from connectors._kit.sandbox import EVERYBODY, State

log = logging.getLogger("anju.simulators")


class Simulators(DispatcherMiddleware):
    """The WSGI application; ``state`` is there for tests in the same process."""

    def __init__(self, pages: Flask, parties: dict[str, Callable[..., Any]], state: State) -> None:
        super().__init__(pages, {f"/{party}": app for party, app in parties.items()})
        self.state = state


def create_all(state: State | None = None, found: Sequence[Connector] | None = None) -> Simulators:
    """Mount every party that has a ``simulator.py``. Memory only: a restart forgets bookings and switches."""
    state = state or State()
    parties: dict[str, Callable[..., Any]] = {}
    for one in [read(folder / "connector.yaml") for folder in folders()] if found is None else found:
        if not (one.folder / "simulator.py").exists():
            continue
        module = importlib.import_module(f"{one.package}.simulator")
        state.parties[one.party] = (one.title, module.SCENARIOS)
        parties[one.party] = module.create(state)
    return Simulators(_pages(state), parties, state)


def listen(state: State) -> None:
    """Open what is not reached by a URL (ports, folders, a database), where the manifests' defaults say.

    A port that is taken costs that one party only; the log says which.
    """
    for party in state.parties:
        module = importlib.import_module(f"connectors.{party}.simulator")
        if hasattr(module, "listen"):
            try:
                module.listen(state)
            except OSError as error:
                log.warning("simulator does not listen", extra={"party": party, "error": str(error)})


def _pages(state: State) -> Flask:
    app = Flask(__name__, template_folder=str(Path(__file__).parent / "pages"))

    @app.get("/")
    @app.get("/_scenarios")
    def scenarios() -> str:
        return render_template("scenarios.html", state=state, everybody=EVERYBODY, log=state.log()[-20:][::-1])

    @app.post("/_scenarios")
    def switch() -> AnyResponse | tuple[AnyResponse, int]:
        given: dict[str, Any] = request.get_json() if request.is_json else request.form.to_dict()
        subject = str(given.get("id_number") or EVERYBODY)
        times = int(given["times"]) if str(given.get("times") or "").isdecimal() else None
        try:
            state.switch(str(given.get("party")), subject, str(given.get("scenario")), times)
        except ValueError as error:
            return jsonify(error=str(error)), 400
        return jsonify(ok=True) if request.is_json else redirect("_scenarios", 303)

    @app.get("/_log")
    def log() -> Response:
        return jsonify(state.log(request.args.get("party", "")))

    @app.post("/_reset")
    def reset() -> AnyResponse:
        state.reset()
        return redirect("_scenarios", 303) if request.form else jsonify(ok=True)

    return app
