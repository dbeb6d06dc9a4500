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
    "web.demo_clock",
    "web.incidents",
    "web.counter",
    "web.case",
    "web.task",
    "web.inbox",
    "web.staff_context",
    "web.portal_context",
    "web.portal_sign_in",
    "web.portal",
    "web.portal_apply",
    "web.portal_case",
    "web.portal_task",
    "web.portal_messages",
    "web.portal_objections",
    "web.notices",
    "web.verify",
)


def install(app: Flask) -> None:
    """Register all blueprints."""
    for name in MODULES:
        blueprint: Blueprint = importlib.import_module(name).pages
        app.register_blueprint(blueprint)
