"""One row an element instance; the record carries answers and decisions; tasks know when they are due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import orjson
import sqlalchemy as sa
import yaml
from alembic import op
from lxml import etree
from sqlalchemy.dialects.postgresql import JSONB

from engine.core import ids
from engine.core.types import Code, Digest, Json, SealedJson, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(JSONB(), "postgresql")
# What was in the chain before it had forms and decisions in it.
SAID = ("actor_key", "actor_name", "kind", "title", "element_id")
MORE = ("form_id", "task_id", "decision_id")
NUMBERS = {"id", "case_id", "task_id", "entry_id", "parent", "seq", "journal_seq"}
ENDS = {"completed": "completed", "cancelled": "terminated"}
STATES = ("active", "completed", "terminated")
TYPES = (
    "task", "userTask", "serviceTask", "sendTask", "receiveTask", "scriptTask", "manualTask", "businessRuleTask",
    "callActivity", "subProcess", "eventSubProcess", "adHocSubProcess", "multiInstanceBody", "startEvent", "endEvent",
    "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent", "exclusiveGateway", "inclusiveGateway",
    "parallelGateway", "eventBasedGateway",
)  # fmt: skip


def upgrade() -> None:
    op.drop_index("ux_journal_chain", table_name="journal_entry")
    _set_aside("journal_entry")
    _new_tables()
    _cases()
    _tasks()
    for case_id in _column("SELECT DISTINCT case_id FROM journal_entry_old"):
        _chain(case_id)
    for case_id in _column("SELECT DISTINCT case_id FROM activity"):
        _instances(case_id)
    for name in ("journal_entry_old", "journal_payload", "submission", "decision_record", "activity"):
        op.drop_table(name)


def _set_aside(table: str) -> None:
    op.rename_table(table, f"{table}_old")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX pk_{table} RENAME TO pk_{table}_old")


def _new_tables() -> None:
    op.create_table(
        "journal_entry",
        # Numbers and moments first: PostgreSQL would leave gaps before them.
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor_key", sa.String(length=40), nullable=False),
        sa.Column("actor_name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("element_id", sa.String(length=120), nullable=False),
        sa.Column("form_id", sa.String(length=160), nullable=True),
        sa.Column("decision_id", sa.String(length=200), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("payload_digest", sa.LargeBinary(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_journal_entry")),
    )
    op.create_table(
        "element_instance",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parent", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("process_id", sa.String(length=120), nullable=True),
        sa.Column("element_id", sa.String(length=120), nullable=False),
        sa.Column("via", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_element_instance")),
    )
    op.create_index("ix_element_instance_case", "element_instance", ["case_id"])


def _cases() -> None:
    op.add_column("case_file", sa.Column("process_id", sa.String(length=120), nullable=True))
    op.execute("UPDATE case_file SET process_id = ''")
    for release_id, item, files in _rows("SELECT id, item, files FROM release"):
        named = orjson.loads(files) if isinstance(files, str) else files
        sha = next((sha for path, sha in named.items() if path.endswith(f"{item}/item.yaml")), "")
        for (body,) in _rows("SELECT content FROM catalog_blob WHERE sha = :sha", sha=sha):
            process = yaml.safe_load(bytes(body)).get("process", "")
            _run("UPDATE case_file SET process_id = :p WHERE release_id = :r", p=process, r=release_id)
    with op.batch_alter_table("case_file") as batch:
        batch.alter_column("process_id", existing_type=sa.String(length=120), nullable=False)
    for name in ("ix_case_applicant", "ix_case_file_subject_digest", "ix_case_file_name_digest", "ix_case_file_due_on"):
        op.drop_index(name, table_name="case_file")
    _whole_numbers("case_file", "version", "clock_days", "journal_seq", small=True)
    _chain_ends(sa.LargeBinary(), sa.String(), Digest())
    _index("ix_case_applicant", "case_file", ["applicant_key"], "applicant_key <> ''")
    _index("ix_case_file_subject_digest", "case_file", ["subject_digest"], "subject_digest <> ''")
    _index("ix_case_file_name_digest", "case_file", ["name_digest"], "name_digest <> ''")
    _index("ix_case_file_due_on", "case_file", ["due_on"], "due_on IS NOT NULL")

    op.add_column("variable", sa.Column("entry_seq", sa.Integer(), nullable=True))


def _chain_ends(column: Any, before: Any, after: Any) -> None:
    """The end of each case's chain in another form: 64 digits and empty text, or 32 bytes and nothing."""
    bind = op.get_bind()
    old, new = (sa.table("case_file", sa.column("id"), sa.column("journal_hash", t)) for t in (before, after))
    ends = bind.execute(sa.select(old).where(old.c.journal_hash != "")).mappings().all()
    with op.batch_alter_table("case_file") as batch:
        batch.drop_column("journal_hash")
    op.add_column("case_file", sa.Column("journal_hash", column, nullable=True))
    for end in ends:
        bind.execute(new.update().where(new.c.id == end["id"]).values(journal_hash=end["journal_hash"]))


def _whole_numbers(table: str, *names: str, small: bool) -> None:
    old, new = (sa.BigInteger(), sa.Integer()) if small else (sa.Integer(), sa.BigInteger())
    with op.batch_alter_table(table) as batch:
        for name in names:
            batch.alter_column(name, existing_type=old, type_=new, existing_nullable=False)


def _tasks() -> None:
    for name, type_ in (
        ("candidate_users", JSON),
        ("due_on", sa.Date()),
        ("due_at", sa.DateTime(timezone=True)),
        ("follow_up_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("task", sa.Column(name, type_, nullable=True))
    op.execute(
        "UPDATE task SET due_on = (SELECT due_on FROM case_file"
        " WHERE case_file.id = task.case_id AND clock_stopped_since IS NULL) WHERE state = 'open'"
    )
    _whole_numbers("task", "version", "priority", small=True)
    for name in ("ix_task_queue", "ix_task_mine", "ix_task_case"):
        op.drop_index(name, table_name="task")
    urgent = ["due_on", sa.text("priority DESC"), "id"]
    _index("ix_task_free", "task", ["role", "office_id", *urgent], "state = 'open' AND assignee = ''")
    _index("ix_task_mine", "task", ["assignee", *urgent], "state = 'open' AND assignee <> ''")
    _index("ix_task_supplement", "task", ["office_id", *urgent], "state = 'open' AND role = 'applicant'")
    _index("ix_task_done", "task", ["done_by", "done_at"], "state = 'done'")
    op.create_index("ix_task_case", "task", ["case_id"])


def _index(name: str, table: str, columns: list[Any], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


# --- the record


def _columns(*names: str) -> list[Any]:
    types: dict[str, Any] = {"at": UtcDateTime, "payload": SealedJson, "value": Json, "explanation": Json}
    return [sa.column(name, types.get(name, sa.BigInteger if name in NUMBERS else sa.String)) for name in names]


def _old_record(name: str) -> Any:
    return sa.table(name, *_columns("id", "case_id", "seq", "at", *SAID, "payload_digest", "hash"))


def _new_record(name: str) -> Any:
    columns = _columns("case_id", "seq", "at", *SAID, *MORE, "payload")
    return sa.table(name, *columns, sa.column("payload_digest", Digest), sa.column("hash", Digest))


_CASE = sa.table("case_file", *_columns("id", "journal_seq", "process_id"), sa.column("journal_hash", Digest))
_OLD, _NEW = _old_record("journal_entry_old"), _new_record("journal_entry")
_PAYLOAD = sa.table("journal_payload", *_columns("entry_id", "payload"))
_SUBMISSION = sa.table("submission", *_columns("case_id", "element_id", "form_id", "task_id", "actor_key", "at"))
_DECISION = sa.table(
    "decision_record", *_columns("id", "case_id", "at", "element_id", "decision_id", "value", "explanation")
)


def _chain(case_id: int) -> None:
    """Carry one chain over. Its lines are hashed anew, with what they carry now; a broken one stays broken."""
    bind = op.get_bind()
    old, before = "", ""
    query = sa.select(_OLD, _PAYLOAD.c.payload).join(_PAYLOAD, _PAYLOAD.c.entry_id == _OLD.c.id, isouter=True)
    for row in bind.execute(query.where(_OLD.c.case_id == case_id).order_by(_OLD.c.seq)).mappings().all():
        line = {**row, "form_id": None, "task_id": None, "decision_id": None}
        line |= _answers_of(line) if line["kind"] in ("applied", "completed") else {}
        digest = line["payload_digest"]
        held = row["hash"] == _hashed(old, line, *(line[name] for name in SAID), digest)
        old = row["hash"]
        before = line["hash"] = _rehashed(before, line, digest) if held else "0" * 64
        if digest == _digest({}):
            line["payload"] = None
        if line["payload"] is not None or digest == _digest({}):
            # The digest is kept of what was erased; one that does not fit its payload stays, to be found.
            line["payload_digest"] = None if digest == _digest(line["payload"] or {}) else digest
        del line["id"]
        bind.execute(_NEW.insert(), line)
        last = line
    seq = last["seq"]
    for row in bind.execute(
        sa.select(_DECISION).where(_DECISION.c.case_id == case_id).order_by(_DECISION.c.id)
    ).mappings():
        seq += 1
        payload = {"value": row["value"], "explanation": row["explanation"]}
        digest = _digest(payload)
        line = {"case_id": case_id, "seq": seq, "at": row["at"], "actor_key": "system:0"}
        line |= {"actor_name": "系统", "kind": "decision", "title": f"计算「{row['decision_id']}」"}
        line |= {"element_id": row["element_id"], "form_id": None, "task_id": None, "decision_id": row["decision_id"]}
        line |= {"payload": payload, "payload_digest": None}
        before = line["hash"] = _rehashed(before, line, digest)
        bind.execute(_NEW.insert(), line)
    if case_id:
        # A chain that was cut short has another end than the one kept: it must not come right by being carried over.
        ours = _CASE.update().where(_CASE.c.id == case_id, _CASE.c.journal_hash == old)
        bind.execute(ours.values(journal_seq=seq, journal_hash=before))
    else:
        _run("UPDATE journal_head SET seq = :s, hash = :h WHERE hash = :old", s=seq, h=before, old=old)


def _answers_of(line: dict[str, Any]) -> dict[str, Any]:
    """Which form's answers the line carries: those submitted by the same person at the same moment."""
    query = sa.select(_SUBMISSION.c.form_id, _SUBMISSION.c.task_id).where(
        _SUBMISSION.c.case_id == line["case_id"],
        _SUBMISSION.c.at == line["at"],
        _SUBMISSION.c.actor_key == line["actor_key"],
        _SUBMISSION.c.element_id == (line["element_id"] or "apply"),
    )
    found = op.get_bind().execute(query).first()
    return {"form_id": found.form_id, "task_id": found.task_id} if found else {}


def _digest(payload: Any) -> str:
    return sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


def _hashed(before: str, line: dict[str, Any], *fields: str) -> str:
    return sha256(orjson.dumps([before, line["case_id"], line["seq"], line["at"].isoformat(), *fields])).hexdigest()


def _rehashed(before: str, line: dict[str, Any], digest: str) -> str:
    more = [f"{name}={line[name]}" for name in MORE if line[name] is not None]
    return _hashed(before, line, *(line[name] for name in SAID), digest, *more)


# --- the history

_ACTIVITY = sa.table(
    "activity",
    *_columns("id", "case_id", "at", "kind", "process_id", "element_id", "name", "type", "token", "flow_id"),
)
_INSTANCE = sa.table(
    "element_instance",
    *_columns("id", "case_id", "process_id", "element_id", "via", "parent"),
    sa.column("state", Code(*STATES)),
    sa.column("type", Code(*TYPES)),
    sa.column("started_at", UtcDateTime),
    sa.column("ended_at", UtcDateTime),
)


def _instances(case_id: int) -> None:
    """The events of a case as one row an element; what lived in what was not kept then."""
    rows: dict[str, dict[str, Any]] = {}
    came: dict[str, list[str]] = {}
    targets = _targets()
    own = op.get_bind().execute(sa.select(_CASE.c.process_id).where(_CASE.c.id == case_id)).scalar()
    for one in op.get_bind().execute(
        sa.select(_ACTIVITY).where(_ACTIVITY.c.case_id == case_id).order_by(_ACTIVITY.c.id)
    ):
        if one.kind == "flow":
            came.setdefault(targets.get((one.process_id, one.flow_id), ""), []).append(one.flow_id)
        elif one.kind == "activated":
            rows[one.token] = {
                "id": int(one.token, 16) >> 65 if len(one.token) == 32 else int(one.token),
                "case_id": case_id,
                "process_id": None if one.process_id == own else one.process_id,
                "element_id": one.element_id,
                "type": one.type if one.type in TYPES else "task",
                "state": "active",
                "via": " ".join(dict.fromkeys(came.pop(one.element_id, []))) or None,
                "parent": None,
                "started_at": one.at,
                "ended_at": None,
            }
        elif one.kind in ENDS and one.token in rows:
            rows[one.token] |= {"state": ENDS[one.kind], "ended_at": one.at}
    if rows:
        op.get_bind().execute(_INSTANCE.insert(), list(rows.values()))


def _targets() -> dict[tuple[str, str], str]:
    """Where each flow of the published models leads: (process, flow) → element. Read once."""
    kept = op.get_context().opts.setdefault("anju_targets", {})
    if not kept:
        kept["", ""] = ""
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        for (body,) in _rows("SELECT content FROM catalog_blob"):
            if not re.search(rb"sequenceFlow", bytes(body)):
                continue
            for flow in etree.fromstring(bytes(body), parser).iter("{*}sequenceFlow"):
                process = next((one.get("id") for one in flow.iterancestors("{*}process")), "")
                kept[process, flow.get("id")] = flow.get("targetRef")
    return kept  # type: ignore[no-any-return]


# --- back


def downgrade() -> None:
    """The record keeps its lines; of decisions and of where elements lived only the old tables' part is kept."""
    _set_aside("journal_entry")
    _old_tables()
    _put_back_the_record()
    own = dict(op.get_bind().execute(sa.select(_CASE.c.id, _CASE.c.process_id)).all())
    for row in op.get_bind().execute(sa.select(_INSTANCE).order_by(_INSTANCE.c.id)).mappings().all():
        _put_back_an_instance({**row, "process_id": row["process_id"] or own.get(row["case_id"], "")})
    op.drop_table("journal_entry_old")
    op.drop_table("element_instance")
    op.create_index("ux_journal_chain", "journal_entry", ["case_id", "seq"], unique=True)
    for name in ("ix_task_free", "ix_task_mine", "ix_task_supplement", "ix_task_done", "ix_task_case"):
        op.drop_index(name, table_name="task")
    with op.batch_alter_table("task") as batch:
        for name in ("candidate_users", "due_on", "due_at", "follow_up_at"):
            batch.drop_column(name)
    _whole_numbers("task", "version", "priority", small=False)
    op.create_index("ix_task_case", "task", ["case_id", "state"])
    op.create_index("ix_task_mine", "task", ["assignee", "state"])
    op.create_index("ix_task_queue", "task", ["office_id", "state", "role"])
    for name in ("ix_case_applicant", "ix_case_file_subject_digest", "ix_case_file_name_digest", "ix_case_file_due_on"):
        op.drop_index(name, table_name="case_file")
    _chain_ends(sa.String(length=64), Digest(), sa.String())
    op.execute("UPDATE case_file SET journal_hash = '' WHERE journal_hash IS NULL")
    _whole_numbers("case_file", "version", "clock_days", "journal_seq", small=False)
    with op.batch_alter_table("case_file") as batch:
        batch.alter_column("journal_hash", existing_type=sa.String(length=64), nullable=False)
        batch.drop_column("process_id")
    with op.batch_alter_table("variable") as batch:
        batch.drop_column("entry_seq")
    op.create_index("ix_case_applicant", "case_file", ["applicant_key"])
    for name in ("subject_digest", "name_digest", "due_on"):
        op.create_index(f"ix_case_file_{name}", "case_file", [name])


def _old_tables() -> None:
    op.create_table(
        "journal_entry",
        *_plain("case_id", "seq", "at", "actor_key:40", "actor_name:60", "kind:40", "title:300", "element_id:120"),
        *_plain("payload_digest:64", "hash:64", "id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entry")),
    )
    op.create_table(
        "journal_payload",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_journal_payload")),
    )
    op.create_table(
        "submission",
        *_plain("case_id", "element_id:120", "form_id:160"),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        *_plain("actor_key:40", "actor_name:60", "at"),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        *_plain("id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
    )
    op.create_index("ix_submission_case", "submission", ["case_id", "element_id"])
    op.create_table(
        "decision_record",
        *_plain("case_id", "at", "element_id:120", "decision_id:160"),
        sa.Column("value", JSON, nullable=True),
        sa.Column("explanation", JSON, nullable=False),
        *_plain("id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_record")),
    )
    op.create_index("ix_decision_record_case_id", "decision_record", ["case_id"])
    op.create_table(
        "activity",
        *_plain("case_id", "at", "kind:12", "process_id:120", "element_id:120", "name:160", "type:40", "token:64"),
        *_plain("flow_id:120", "id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    op.create_index("ix_activity_case", "activity", ["case_id"])


def _plain(*columns: str) -> list[sa.Column[Any]]:
    """``name:length`` is a text, ``at`` a moment, any other name a number."""
    found: list[sa.Column[Any]] = []
    for name, _, length in (column.partition(":") for column in columns):
        type_ = sa.String(length=int(length)) if length else sa.DateTime(True) if name == "at" else sa.BigInteger()
        found.append(sa.Column(name, type_, nullable=False, autoincrement=False))
    return found


def _put_back_the_record() -> None:
    bind, before, chain = op.get_bind(), "", -1
    new, old = _new_record("journal_entry_old"), _old_record("journal_entry")
    for row in bind.execute(sa.select(new).order_by(new.c.case_id, new.c.seq)).mappings().all():
        before, chain = (before, chain) if row["case_id"] == chain else ("", row["case_id"])
        payload, own_id = row["payload"], {"id": ids.new()}
        digest = row["payload_digest"] or _digest(payload or {})
        before = _hashed(before, dict(row), *(row[name] for name in SAID), digest)
        said = {name: row[name] for name in ("case_id", "seq", "at", *SAID)}
        bind.execute(old.insert(), {**own_id, **said, "payload_digest": digest, "hash": before})
        if payload is not None:
            bind.execute(_PAYLOAD.insert(), {"entry_id": own_id["id"], "payload": payload})
        names = ("case_id", "element_id", "actor_key", "actor_name", "at")
        who = own_id | {name: row[name] for name in names}
        if row["form_id"] is not None and payload is not None:
            answers = {"form_id": row["form_id"], "task_id": row["task_id"], "answers": payload, "summary": ""}
            bind.execute(_BACK.insert(), {**who, **answers})
        if row["decision_id"] is not None and payload is not None:
            place = {name: row[name] for name in ("case_id", "at", "element_id", "decision_id")}
            bind.execute(_DECISION.insert(), {**own_id, **place, **payload})
        bind.execute(_CASE.update().where(_CASE.c.id == chain).values(journal_hash=before))
        _run("UPDATE journal_head SET hash = :h WHERE :c = 0", h=before, c=chain)


_BACK = sa.table(
    "submission",
    *_columns("id", "case_id", "element_id", "form_id", "task_id", "actor_key", "actor_name", "at", "summary"),
    sa.column("answers", SealedJson),
)


def _put_back_an_instance(row: dict[str, Any]) -> None:
    place = {name: row[name] for name in ("case_id", "process_id", "element_id", "type")}
    place |= {"token": str(row["id"]), "name": "", "flow_id": ""}
    events = [
        {**place, "kind": "flow", "flow_id": flow, "at": row["started_at"]} for flow in (row["via"] or "").split()
    ]
    events.append({**place, "kind": "activated", "at": row["started_at"]})
    if row["ended_at"] is not None:
        kind = "completed" if row["state"] == "completed" else "cancelled"
        events.append({**place, "kind": kind, "at": row["ended_at"]})
    op.get_bind().execute(_ACTIVITY.insert(), [{"id": ids.new(), **event} for event in events])


def _rows(query: str, **values: Any) -> Iterator[Any]:
    yield from op.get_bind().execute(sa.text(query), values).all()


def _column(query: str) -> list[int]:
    return [row[0] for row in _rows(query)]


def _run(statement: str, **values: Any) -> None:
    op.get_bind().execute(sa.text(statement), values)
