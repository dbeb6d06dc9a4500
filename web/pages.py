"""Every page's blueprint, in one list."""

from __future__ import annotations

import importlib

from flask import Blueprint, Flask

# module → its blueprint is called `pages`
MODULES = (
    "web.sign_in",
    "web.inbound",
    "web.health",
    "web.files",
    "web.regions",
)


def install(app: Flask) -> None:
    """Register all blueprints."""
    for name in MODULES:
        blueprint: Blueprint = importlib.import_module(name).pages
        app.register_blueprint(blueprint)
