"""The first tables, and the triggers that keep `events` append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# A row leaves `events` only once it has been copied to `voided_events`: see ledger/recording.py.
COPIED = """EXISTS (SELECT 1 FROM voided_events AS v
    WHERE v.case_number = OLD.case_number AND v.n = OLD.n AND v.at = OLD.at)"""

SQLITE_APPEND_ONLY = [
    """
    CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events is append-only'); END
    """,
    f"""
    CREATE TRIGGER events_no_delete BEFORE DELETE ON events WHEN NOT {COPIED}
    BEGIN SELECT RAISE(ABORT, 'events is append-only'); END
    """,
]
POSTGRESQL_APPEND_ONLY = [
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$
    """,
    """
    CREATE TRIGGER events_append_only BEFORE UPDATE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    f"""
    CREATE FUNCTION refuse_loss() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF {COPIED} THEN RETURN OLD; END IF;
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE TRIGGER events_no_loss BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_loss()
    """,
]


def upgrade() -> None:
    """Create everything."""
    _create_cases()
    _create_case_records()
    _create_city()
    _create_access()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_APPEND_ONLY if sqlite else POSTGRESQL_APPEND_ONLY:
        op.execute(statement)


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("number", sa.String(), primary_key=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("name", sa.String()),
        sa.Column("phone", sa.String()),
        sa.Column("address", sa.Text()),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("longitude", sa.Float()),
        sa.Column("latitude", sa.Float()),
        sa.Column("original_number", sa.String()),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("intake_key", sa.String()),
        sa.Column("intake_hash", sa.String(), nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("rulebook_version", sa.String(), nullable=False),
        sa.Column("opened_role", sa.String(), nullable=False),
        sa.Column("opened_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("outcome", sa.String()),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("item", sa.String()),
        sa.Column("outage", sa.Boolean(), nullable=False),
        sa.Column("province", sa.Boolean(), nullable=False),
        sa.Column("lead", sa.String()),
        sa.Column("assisting", sa.JSON(), nullable=False),
        sa.Column("grid", sa.String()),
        sa.Column("due", sa.DateTime(timezone=True)),
        sa.Column("due_clock", sa.String()),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("breaches", sa.JSON(), nullable=False),
        sa.Column("breached", sa.Boolean(), nullable=False),
        sa.Column("extended", sa.Boolean(), nullable=False),
        sa.Column("rework_rounds", sa.Integer(), nullable=False),
        sa.Column("hurries", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("last_event", sa.Integer(), nullable=False),
    )
    op.create_index("ix_cases_breached", "cases", ["breached"])
    op.create_index("ix_cases_category", "cases", ["category"])
    op.create_index("ix_cases_due", "cases", ["due"])
    op.create_index("ix_cases_grid", "cases", ["grid"])
    op.create_index("ix_cases_intake_key", "cases", ["intake_key"], unique=True)
    op.create_index("ix_cases_newest", "cases", ["received_at", "number"])
    op.create_index("ix_cases_original_number", "cases", ["original_number"])
    op.create_index("ix_cases_phone", "cases", ["phone"])
    op.create_index("ix_cases_status", "cases", ["status"])
    op.create_index(
        "ix_cases_unstarted",
        "cases",
        ["number"],
        sqlite_where=sa.text("started = 0"),
        postgresql_where=sa.text("NOT started"),
    )
    op.create_table(
        "case_units",
        sa.Column("case_number", sa.String(), sa.ForeignKey("cases.number"), primary_key=True),
        sa.Column("unit", sa.String(), primary_key=True),
        sa.Column("lead", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_case_units_unit", "case_units", ["unit", "case_number"])
    op.create_table(
        "serials",
        sa.Column("city", sa.String(), primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("last", sa.Integer(), nullable=False),
    )


def _create_case_records() -> None:
    op.create_table(
        "events",
        sa.Column("case_number", sa.String(), sa.ForeignKey("cases.number"), primary_key=True),
        sa.Column("n", sa.Integer(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("actor_unit", sa.String()),
        sa.Column("unit", sa.String()),
        sa.Column("clock", sa.String()),
        sa.Column("due", sa.DateTime(timezone=True)),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("action", sa.String()),
        sa.Column("note", sa.String()),
        sa.Column("facts", sa.JSON(), nullable=False),
    )
    op.create_table(
        "voided_events",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("case_number", sa.String(), sa.ForeignKey("cases.number"), nullable=False, index=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.JSON(), nullable=False),
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("case_number", sa.String(), sa.ForeignKey("cases.number"), nullable=False),
        sa.Column("author_role", sa.String(), nullable=False),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_notes_case_number", "notes", ["case_number"])
    op.create_table(
        "messages",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("case_number", sa.String(), sa.ForeignKey("cases.number"), nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("unit", sa.String()),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String()),
        sa.Column("error", sa.String()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_messages_case_number", "messages", ["case_number"])
    op.create_table(
        "measures",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("case_number", sa.String(), sa.ForeignKey("cases.number"), nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("unit", sa.String()),
        sa.Column("situation", sa.String()),
        sa.Column("clock", sa.String()),
        sa.Column("due", sa.DateTime(timezone=True)),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_measures_action", "measures", ["action"])
    op.create_index("ix_measures_case_number", "measures", ["case_number"])
    op.create_index("ix_measures_unit", "measures", ["unit"])


def _create_city() -> None:
    op.create_table(
        "units",
        sa.Column("code", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("phone", sa.String()),
        sa.Column("reach", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String()),
        sa.Column("parent", sa.String()),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "grids",
        sa.Column("code", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent", sa.String()),
        sa.Column("unit", sa.String()),
        sa.Column("phone", sa.String()),
        sa.Column("keywords", sa.JSON(), nullable=False),
    )
    op.create_index("ix_grids_parent", "grids", ["parent"])


def _create_access() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("unit", sa.String()),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_keys_hash", "keys", ["hash"], unique=True)
    op.create_table(
        "requests",
        sa.Column("scope", sa.String(), primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("body_hash", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
