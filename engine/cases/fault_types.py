"""What kind of trouble an incident is, in the words of Camunda's API."""

from __future__ import annotations

IO_MAPPING, EXTRACT, CONDITION = "IO_MAPPING_ERROR", "EXTRACT_VALUE_ERROR", "CONDITION_ERROR"
NO_RETRIES, UNHANDLED, UNKNOWN = "JOB_NO_RETRIES", "UNHANDLED_ERROR_EVENT", "UNKNOWN"
DECISION, CALLED, RESOURCE = "DECISION_EVALUATION_ERROR", "CALLED_ELEMENT_ERROR", "RESOURCE_NOT_FOUND"

_TYPES = {
    "no_retries": NO_RETRIES,
    "unreachable": NO_RETRIES,
    "outside_fault": NO_RETRIES,
    "unexpected_answer": NO_RETRIES,
    "no_answer": NO_RETRIES,
    "bug": NO_RETRIES,
    "worker_lost": NO_RETRIES,
    "error_not_caught": UNHANDLED,
    "condition_not_boolean": CONDITION,
    "no_way_out": CONDITION,
    "join_never_complete": CONDITION,
    "feel_syntax": EXTRACT,
    "feel_limit": EXTRACT,
    "timer_unreadable": EXTRACT,
    "event_name_missing": EXTRACT,
    "correlation_key_missing": EXTRACT,
    "code_missing": EXTRACT,
    "collection_not_a_list": EXTRACT,
    "sequential_not_extended": EXTRACT,
    "not_a_number": EXTRACT,
    "attribute_not_text": EXTRACT,
    "job_type_missing": EXTRACT,
    "decision_id_missing": EXTRACT,
    "value_unstorable": IO_MAPPING,
    "operation_inputs": IO_MAPPING,
    "unknown_decision": "CALLED_DECISION_ERROR",
    "process_not_found": CALLED,
    "process_without_plain_start": CALLED,
    "call_too_deep": CALLED,
    "unknown_operation": RESOURCE,
}


def fault_type(code: str, listener: str = "") -> str:
    """Camunda's type of an incident code; spent retries of a listener's job have types of their own."""
    if code.startswith("dmn_"):
        return DECISION
    found = _TYPES.get(code, UNKNOWN)
    if found == NO_RETRIES and listener:
        return f"{'EXECUTION' if listener in EXECUTION_EVENTS else 'TASK'}_LISTENER_NO_RETRIES"
    return found


# The events of execution listeners; all others are those of a user task.
EXECUTION_EVENTS = frozenset({"start", "end", "beforeAll", "cancel"})
