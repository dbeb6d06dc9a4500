"""Every page's blueprint, in one list."""

from __future__ import annotations

import importlib

from flask import Blueprint, Flask

# module → its blueprint is called `pages`
MODULES = (
    "web.sign_in",
    "web.inbound",
    "web.monitor",
    "web.vocabulary",
    "web.health",
    "web.api.docs",
    "web.files",
    "web.regions",
    "web.map",
    "web.demo_clock",
    "web.incidents",
    "web.operate",
    "web.migrations",
    "web.versions",
    "web.clock",
    "web.office_calendar",
    "web.deputies",
    "web.handover",
    "web.counter",
    "web.bank",
    "web.payments",
    "web.invoices",
    "web.case",
    "web.case_desk",
    "web.reviews",
    "web.task",
    "web.approval",
    "web.desk_words",
    "web.bulk_approval",
    "web.inbox",
    "web.inbox_bulk",
    "web.inbox_views",
    "web.staff_context",
    "web.portal_context",
    "web.portal_sign_in",
    "web.portal",
    "web.portal_apply",
    "web.portal_case",
    "web.portal_task",
    "web.portal_pay",
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
