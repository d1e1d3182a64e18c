"""What trust needs: hash chain, citizens' codes, readers, findings, attachments, wrong codes counted, erasure.

Cases of an earlier ledger are sealed as they are found. How is written out here once more, and not taken from
ledger/chain.py: what this migration makes has to stay what later ones start from, whatever becomes of that file.

A ledger in use needs downtime: stop API and worker first. What they recorded meanwhile would stay unsealed, and on
PostgreSQL they would wait for the tables anyway until all is sealed.
"""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SQLITE_GUARDS = [
    *(
        f"""
        CREATE TRIGGER {table}_no_{change} BEFORE {change} ON {table}
        BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
        """
        for table in ("reads", "voided_events")
        for change in ("update", "delete")
    ),
    """
    CREATE TRIGGER cases_no_delete BEFORE DELETE ON cases
    BEGIN SELECT RAISE(ABORT, 'no case is ever deleted'); END
    """,
]
POSTGRESQL_GUARDS = [
    *(
        f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """
        for table in ("reads", "voided_events")
    ),
    """
    CREATE TRIGGER cases_no_delete BEFORE DELETE OR TRUNCATE ON cases
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
]
# Those of 0001, which keep `events` as they are and must give way while hashes are added.
SQLITE_UNLOCK = ["DROP TRIGGER events_no_update"]
SQLITE_LOCK = [
    """
    CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events is append-only'); END
    """
]
POSTGRESQL_UNLOCK = ["ALTER TABLE events DISABLE TRIGGER events_append_only"]
POSTGRESQL_LOCK = ["ALTER TABLE events ENABLE TRIGGER events_append_only"]

INSTANT, TRUTH = sa.DateTime(timezone=True), sa.Boolean()
PERSONAL = ("name", "phone", "address", "title", "text", "original_number", "channel")
KEPT = ("rulebook_version", "opened_role", "opened_id", "status", "outcome", "category", "item", "lead", "grid")
CASES = sa.table(
    "cases",
    *(sa.column(name, sa.String()) for name in ("number", *PERSONAL, *KEPT, "due_clock")),
    *(sa.column(name, sa.String()) for name in ("salt", "sealed", "head", "seal")),
    *(sa.column(name, sa.Float()) for name in ("longitude", "latitude")),
    *(sa.column(name, INSTANT) for name in ("received_at", "due", "closed_at")),
    *(sa.column(name, TRUTH) for name in ("outage", "province", "provisional", "breached", "extended", "started")),
    *(sa.column(name, sa.JSON()) for name in ("marks", "assisting", "breaches")),
    *(sa.column(name, sa.Integer()) for name in ("rework_rounds", "hurries", "last_event")),
    sa.column("withheld", TRUTH),
)
WORDS = (*PERSONAL, "longitude", "latitude", "withheld")
SEALED = (
    *KEPT, "channel", "due_clock", "received_at", "due", "closed_at", "outage", "province", "provisional", "breached",
    "extended", "started", "marks", "assisting", "breaches", "rework_rounds", "hurries", "last_event", "sealed",
)  # fmt: skip
EVENTS = sa.table(
    "events",
    *(sa.column(name, sa.String()) for name in ("case_number", "kind", "role", "actor_id", "actor_unit", "unit")),
    *(sa.column(name, sa.String()) for name in ("clock", "action", "note", "sealed", "hash")),
    *(sa.column(name, INSTANT) for name in ("at", "due")),
    sa.column("n", sa.Integer()),
    sa.column("provisional", TRUTH),
    sa.column("facts", sa.JSON()),
)
NOTES = sa.table("notes", *(sa.column(name, sa.String()) for name in ("id", "case_number", "text", "salt", "sealed")))
BATCH = 500

SEALS = ("salt", "sealed", "head", "seal")
KEEP_NOTE = sa.update(NOTES).where(NOTES.c.id == sa.bindparam("of"))
KEEP_LINK = sa.update(EVENTS).where(EVENTS.c.case_number == sa.bindparam("of"), EVENTS.c.n == sa.bindparam("at_n"))
KEEP_SEALS = sa.update(CASES).where(CASES.c.number == sa.bindparam("of"))


def upgrade() -> None:
    """Add everything."""
    _add_chain()
    _add_privacy()
    _add_records()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_UNLOCK if sqlite else POSTGRESQL_UNLOCK:
        op.execute(statement)
    _seal_what_is_there(op.get_bind())
    for statement in SQLITE_LOCK if sqlite else POSTGRESQL_LOCK:
        op.execute(statement)
    for statement in SQLITE_GUARDS if sqlite else POSTGRESQL_GUARDS:
        op.execute(statement)


def _add_chain() -> None:
    op.add_column("events", sa.Column("sealed", sa.String()))
    op.add_column("events", sa.Column("hash", sa.String()))
    op.add_column("cases", sa.Column("head", sa.String()))
    op.add_column("cases", sa.Column("seal", sa.String()))
    for table in ("cases", "notes"):
        op.add_column(table, sa.Column("salt", sa.String()))
        op.add_column(table, sa.Column("sealed", sa.String()))


def _add_privacy() -> None:
    op.add_column("cases", sa.Column("code", sa.String()))
    op.add_column("cases", sa.Column("withheld", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("cases", sa.Column("erased_at", sa.DateTime(timezone=True)))
    unerased = sa.text("erased_at IS NULL")
    op.create_index("ix_cases_unerased", "cases", ["closed_at"], sqlite_where=unerased, postgresql_where=unerased)
    op.create_table(
        "attempts",
        sa.Column("subject", sa.String(), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_attempts_last_at", "attempts", ["last_at"])
    of_client = sa.text("subject LIKE 'client:%'")
    op.create_index("ix_attempts_clients", "attempts", ["last_at"], sqlite_where=of_client, postgresql_where=of_client)


def _add_records() -> None:
    op.create_table(
        "reads",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_number", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("actor_unit", sa.String()),
        sa.Column("what", sa.String(), nullable=False),
    )
    op.create_index("ix_reads_case_number", "reads", ["case_number"])
    op.create_table(
        "findings",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("case_number", sa.String(), sa.ForeignKey("cases.number"), nullable=False, index=True),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "attachments",
        sa.Column("case_number", sa.String(), sa.ForeignKey("cases.number"), primary_key=True),
        sa.Column("sha256", sa.String(), primary_key=True),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("author_role", sa.String(), nullable=False),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_attachments_sha256", "attachments", ["sha256"])


def _seal_what_is_there(connection: sa.Connection) -> None:
    for numbers in _batches(connection):
        notes = _seal_notes(connection, numbers)
        found = connection.execute(
            sa.select(EVENTS).where(EVENTS.c.case_number.in_(numbers)).order_by(EVENTS.c.case_number, EVENTS.c.n)
        )
        events = {number: list(rows) for number, rows in groupby(found, attrgetter("case_number"))}
        cases = [
            dict(case) for case in connection.execute(sa.select(CASES).where(CASES.c.number.in_(numbers))).mappings()
        ]
        links = [link for case in cases for link in _seal_case(case, events.get(case["number"], []), notes)]
        if links:
            connection.execute(KEEP_LINK, links)
        connection.execute(
            KEEP_SEALS, [{"of": case["number"], **{name: case[name] for name in SEALS}} for case in cases]
        )


def _batches(connection: sa.Connection) -> Iterator[list[str]]:
    numbers = sa.select(CASES.c.number).order_by(CASES.c.number).limit(BATCH)
    after = ""
    while batch := list(connection.scalars(numbers.where(CASES.c.number > after))):
        yield batch
        after = batch[-1]


def _seal_notes(connection: sa.Connection, numbers: list[str]) -> dict[str, str]:
    rows = []
    for note in connection.execute(sa.select(NOTES).where(NOTES.c.case_number.in_(numbers))):
        salt = secrets.token_hex(32)
        rows.append({"of": note.id, "salt": salt, "sealed": _hash(salt + _canonical({"text": note.text}))})
    if rows:
        connection.execute(KEEP_NOTE, rows)
    return {row["of"]: row["sealed"] for row in rows}


def _seal_case(case: dict[str, Any], events: list[Any], notes: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Seal a case in place, and yield what its events are to carry."""
    case["salt"] = secrets.token_hex(32)
    words = {name: value + 0.0 if isinstance(value := case[name], float) else value for name in WORDS}
    case["sealed"] = _hash(case["salt"] + _canonical(words))
    head = _hash(f"jiesu:{case['number']}")
    for event in events:
        sealed = case["sealed"] if event.n == 1 else notes.get(event.note or "")
        values = {**event._mapping, "sealed": sealed}
        del values["hash"]
        head = _hash(head + _canonical(values))
        yield {"of": event.case_number, "at_n": event.n, "sealed": sealed, "hash": head}
    if events:
        case["head"], case["seal"] = head, _hash(head + _canonical({name: case[name] for name in SEALED}))


def _canonical(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), default=_instant)


def _instant(value: datetime) -> str:
    # SQLite gives instants back without their zone, which is UTC.
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
