"""Systems of units and partners that fail or failed, what waits for them, and what was just taken."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TO_SYSTEMS = sa.text("party IN ('unit', 'partner')")


def upgrade() -> None:
    """Add the tables, and an index by which waiting and told messages are found."""
    op.create_table(
        "systems",
        sa.Column("system", sa.String(), primary_key=True),
        sa.Column("down_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("back_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index(
        "ix_messages_systems",
        "messages",
        ["unit", "status", "sent_at"],
        sqlite_where=TO_SYSTEMS,
        postgresql_where=TO_SYSTEMS,
    )
    op.create_table(
        "sendings",
        sa.Column("signature", sa.String(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_sendings_at", "sendings", ["at"])
