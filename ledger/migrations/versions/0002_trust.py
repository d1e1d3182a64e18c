"""What trust needs: hash chain, citizens' codes, readers, findings, attachments, wrong codes counted, erasure."""

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


def upgrade() -> None:
    """Add everything."""
    _add_chain()
    _add_privacy()
    _add_records()
    sqlite = op.get_bind().dialect.name == "sqlite"
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
    op.create_table(
        "attempts",
        sa.Column("subject", sa.String(), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True)),
    )


def _add_records() -> None:
    op.create_table(
        "reads",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_number", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("actor_unit", sa.String()),
        sa.Column("what", sa.String(), nullable=False),
    )
    op.create_index("ix_reads_case_number", "reads", ["case_number"])
    op.create_index("ix_reads_actor_id", "reads", ["actor_id"])
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
