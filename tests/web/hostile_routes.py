"""Every endpoint and who may use it. Add yours here when you add a route: the test fails until you do.

Who: ``anybody``; a signed-in ``citizen`` (their own things); any caseworker, ``staff`` (of the case's office); whoever
holds one of some roles; only whom it is about (``hands``). ``about``: the address names something of a case or person,
which strangers must not learn of. ``own``: whoever may use it may change things of their own by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ANYBODY, CITIZEN, STAFF, HANDS = "anybody", "citizen", "staff", "hands"
SUPERVISOR, ADMIN, ANALYST, INTEGRATOR, COUNTER = "supervisor", "admin", "analyst", "integrator", "acceptance"
MAKER, CHECKER = "finance", "finance_review"


@dataclass(frozen=True)
class May:
    """``there``: the test's office has such a thing, so whoever may see it does; ``values``: parts of the address."""

    who: tuple[str, ...]
    about: bool
    own: bool
    there: bool
    values: Mapping[str, Any] = field(default_factory=dict)


def about(*who: str, own: bool = False, there: bool = True, **values: Any) -> May:
    """The address names something of somebody."""
    return May(who, True, own, there, values)


def general(*who: str, own: bool = False, there: bool = True, **values: Any) -> May:
    """A page, a list, or a form that begins something."""
    return May(who, False, own, there, values)


_OPEN = {
    **dict.fromkeys(
        (
            "static", "health.health", "inbox.home", "portal.home", "portal_apply.apply", "portal_apply.form",
            "portal_sign_in.register_page", "portal_sign_in.sign_in_page", "portal_sign_in.register",
            "portal_sign_in.send_code", "portal_sign_in.sign_in", "portal_sign_in.sign_out",
            "sign_in.sign_in", "sign_in.sign_in_page", "sign_in.sign_out", "notices.current", "regions.tree",
            "verify.start", "verify.by_file", "portal_sign_in.token", "portal_sign_in.signed_in",
            "api_cluster.get_license",
            "api_cluster.get_status", "api_openapi.get_openapi", "api_page.show", "api_oauth.create_token",
        ),
        general(ANYBODY, there=False),
    ),
    "notices.notice": about(ANYBODY, there=False),
    "verify.by_code": about(ANYBODY, there=False),
    "portal_objections.new": about(ANYBODY, there=False),
    "inbound.receive": general(ANYBODY, there=False),
    # Whoever holds the signed link.
    "case_desk.hand_in": about(ANYBODY, there=False),
    "case_desk.handed_in": about(ANYBODY, there=False),
}  # fmt: skip

_PORTAL = {
    "portal_apply.draft": general(CITIZEN, own=True),
    "portal_apply.submit": general(CITIZEN, own=True),
    "portal_case.case": about(CITIZEN),
    "portal_case.cases": general(CITIZEN),
    "portal_case.submitted": about(CITIZEN),
    "portal_case.withdraw": about(CITIZEN),
    "portal_messages.inbox": general(CITIZEN),
    "portal_messages.message": about(CITIZEN),
    "portal_messages.read_all": general(CITIZEN, own=True),
    "portal_objections.file": about(CITIZEN, there=False, own=True),
    "portal_objections.mine": general(CITIZEN),
    "portal_task.draft": about(CITIZEN, task_id="supplement_id"),
    "portal_task.submit": about(CITIZEN, task_id="supplement_id"),
    "portal_task.task": about(CITIZEN, task_id="supplement_id"),
}

_FILES = {
    "files.download": about(STAFF, CITIZEN),
    "files.thumbnail": about(STAFF, CITIZEN),
    "files.paper": about(STAFF, CITIZEN),
    "files.upload": general(STAFF, CITIZEN, own=True),
    "map.tile": general(STAFF, CITIZEN),
    "map.about": general(STAFF, CITIZEN),
    "map.place": general(STAFF, CITIZEN),
    "map.address": general(STAFF, CITIZEN),
}

_DESK = {
    "staff_context.token": general(STAFF),
    "inbox.show": general(STAFF),
    "inbox.live": general(STAFF),
    "inbox.colleagues": general(SUPERVISOR),
    "inbox_bulk.run": general(STAFF),
    "bulk_approval.ask": general(STAFF),
    "bulk_approval.run": general(STAFF),
    "inbox_views.create": general(STAFF, own=True),
    "inbox_views.new": general(STAFF),
    "inbox_views.edit": about(STAFF, there=False),
    "inbox_views.save": about(HANDS, there=False),
    "inbox_views.delete": about(HANDS, there=False),
    "inbox_views.yellow": general(SUPERVISOR, own=True),
    # Looking marks it as read by oneself.
    "task.show": about(STAFF, own=True),
    "task.submit": about(HANDS),
    "task.claim": about(HANDS),
    "task.release": about(HANDS),
    "task.draft": about(HANDS),
    "task.next_one": general(STAFF),
    "approval.ask": about(STAFF, there=False),
    "approval.do": about(HANDS, own=True),
    "approval.opinion": about(HANDS),
    "desk_words.messages": general(STAFF),
    "desk_words.open_message": about(HANDS, there=False),
    "desk_words.read": general(STAFF, own=True),
    "desk_words.phrases": general(STAFF),
    "desk_words.save_phrase": general(STAFF, own=True),
    "desk_words.signature": general(STAFF),
    "desk_words.save_signature": general(STAFF, own=True),
    "desk_words.own_signature": general(STAFF, there=False),
    "desk_words.task_signature": about(STAFF, there=False),
    "desk_words.approval_form": about(STAFF),
    "deputies.show": general(STAFF),
    "deputies.name": general(STAFF, own=True),
    "deputies.declare": general(STAFF, own=True),
    "deputies.revoke": about(HANDS),
    "deputies.waiting": about(HANDS, there=False),
    "deputies.office": general(SUPERVISOR),
    "deputies.withdraw": about(SUPERVISOR),
    "handover.show": about(SUPERVISOR),
    "handover.run": about(SUPERVISOR),
    "demo_clock.show": general(STAFF, there=False),
    "demo_clock.move": general(STAFF, there=False),
}

_CASES = {
    "case.search": general(STAFF),
    "case.show": about(STAFF),
    "case.begin": about(HANDS, there=False),
    "case.exchange": about(STAFF),
    "case.diagram_xml": about(STAFF),
    "case.diagram_json": about(STAFF),
    "case_desk.reveal": about(STAFF, own=True),
    "case_desk.identity": about(STAFF, there=False),
    "case_desk.looks": general(SUPERVISOR),
    "case_desk.comment": about(STAFF, own=True),
    "case_desk.add": about(HANDS),
    "case_desk.link_phone": about(HANDS, own=True),
    "case_desk.phone": about(STAFF, there=False),
    "case_desk.phone_code": about(STAFF, there=False),
    "case_desk.ask_for_zip": about(STAFF, own=True),
    "case_desk.zip_state": about(STAFF),
    "case_desk.zip_file": about(STAFF, there=False),
    "case_desk.view": about(STAFF),
    "clock.of_case": about(STAFF),
    "clock.ask": about(HANDS, own=True),
    "clock.decide": about(HANDS),
    "clock.extension": about(STAFF, there=False),
    "clock.answer": about(HANDS, there=False),
    "clock.show": general(SUPERVISOR),
    "clock.table": general(SUPERVISOR),
    "reviews.choose": about(STAFF, there=False),
    "reviews.begin": about(HANDS, there=False),
    "counter.items": general(COUNTER),
    "counter.apply": general(COUNTER),
    "counter.draft": general(COUNTER, own=True),
    "counter.submit": general(COUNTER, own=True),
    "counter.receipt": about(COUNTER),
}

_OFFICE = {
    "incidents.show": general(SUPERVISOR),
    "incidents.retry": about(SUPERVISOR, there=False),
    "operate.show": about(SUPERVISOR),
    "operate.simple": about(SUPERVISOR),
    "operate.modify": about(SUPERVISOR),
    "migrations.show": general(SUPERVISOR),
    "migrations.new": general(SUPERVISOR, there=False),
    "migrations.plan": general(SUPERVISOR, own=True),
    "migrations.run": about(SUPERVISOR, there=False),
    "migrations.act": about(SUPERVISOR, there=False),
    "migrations.undo": about(SUPERVISOR, there=False),
    "monitor.show": general(SUPERVISOR),
    "monitor.party": general(SUPERVISOR),
    "monitor.reset": general(SUPERVISOR, own=True),
    "monitor.settle": about(SUPERVISOR, there=False),
    "monitor.skip": about(SUPERVISOR, there=False),
    "versions.show": general(ANALYST),
    "versions.compare": general(ANALYST, there=False),
    "versions.diagram_xml": general(ANALYST, there=False),
    "versions.diagram_json": general(ANALYST, there=False),
    "versions.roll_back": general(ANALYST, own=True, there=False),
    "bank.show": general(MAKER, CHECKER),
    "bank.batch": about(MAKER, CHECKER, there=False),
    "bank.build": general(MAKER, own=True),
    "bank.act": about(MAKER, CHECKER, there=False),
    "bank.settle": about(MAKER, CHECKER, there=False),
    "payments.show": general(MAKER, CHECKER, SUPERVISOR),
    "payments.open_order": general(MAKER, own=True),
    "payments.close": about(MAKER, there=False),
    "payments.refund": about(MAKER, there=False),
    "payments.act": about(MAKER, CHECKER, there=False),
    "payments.settle": about(MAKER, CHECKER, SUPERVISOR, there=False),
    "invoices.show": general(MAKER, CHECKER, SUPERVISOR),
    "invoices.issue": general(MAKER, own=True),
    "invoices.one": about(MAKER, CHECKER, SUPERVISOR, there=False),
    "invoices.download": about(MAKER, CHECKER, SUPERVISOR, there=False),
    "invoices.act": about(MAKER, CHECKER, there=False),
    "portal_pay.ask_invoice": about(CITIZEN, there=False),
    "portal_pay.invoice": about(CITIZEN, there=False),
    "portal_pay.pay": about(CITIZEN, there=False),
    "portal_pay.code": about(CITIZEN, there=False),
    "vocabulary.templates": general(STAFF),
    "office_calendar.show": general(STAFF),
    "office_calendar.set_day": general(ADMIN, own=True),
    "office_calendar.set_season": general(ADMIN, own=True),
    "office_calendar.bring": general(ADMIN, own=True),
}

_API = {
    **dict.fromkeys(
        (
            "api_cluster.get_authentication", "api_cluster.get_topology",
            "api_decisions.search_decision_definitions", "api_definitions.search_process_definitions",
            "api_elements.search_element_instances", "api_incidents.search_incidents",
            "api_instances.search_process_instances", "api_jobs.search_jobs", "api_tasks.search_user_tasks",
            "api_variables.search_variables",
        ),
        general(STAFF),
    ),
    # Models are everybody's who works here; they hold nothing of a case.
    **dict.fromkeys(
        (
            "api_decisions.evaluate_decision", "api_definitions.get_form_by_key",
            "api_definitions.get_process_definition", "api_definitions.get_process_definition_xml",
            "api_definitions.get_start_process_form",
        ),
        general(STAFF, there=False),
    ),
    **dict.fromkeys(
        (
            "api_elements.get_element_instance", "api_instances.get_process_instance", "api_tasks.get_user_task",
            "api_tasks.get_user_task_form", "api_tasks.search_user_task_effective_variables",
            "api_tasks.search_user_task_variables",
        ),
        about(STAFF),
    ),
    **dict.fromkeys(("api_incidents.get_incident", "api_variables.get_variable"), about(STAFF, there=False)),
    **dict.fromkeys(("api_definitions.create_deployment", "api_definitions.delete_resource"), general(ANALYST)),
    **dict.fromkeys(
        (
            "api_instances.create_process_instance", "api_messages.publish_message", "api_messages.correlate_message",
            "api_signals.broadcast_signal", "api_jobs.activate_jobs",
        ),
        general(INTEGRATOR, own=True),
    ),
    **dict.fromkeys(
        ("api_jobs.complete_job", "api_jobs.fail_job", "api_jobs.throw_job_error", "api_jobs.update_job"),
        about(INTEGRATOR, there=False),
    ),
    **dict.fromkeys(
        (
            "api_elements.create_element_instance_variables", "api_elements.activate_ad_hoc_activities",
            "api_incidents.resolve_incident", "api_instances.cancel_process_instance",
            "api_instances.migrate_process_instance", "api_instances.modify_process_instance",
            "api_tasks.update_user_task", "api_tasks.unassign_user_task", "api_tasks.assign_user_task",
        ),
        about(SUPERVISOR),
    ),
    "api_tasks.complete_user_task": about(HANDS),
}  # fmt: skip

ROUTES: dict[str, May] = {**_OPEN, **_PORTAL, **_FILES, **_DESK, **_CASES, **_OFFICE, **_API}
