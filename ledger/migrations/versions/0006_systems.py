"""Systems of units that fail or failed, and what waits for them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TO_UNITS = sa.text("party = 'unit'")


def upgrade() -> None:
    """Add the table, and an index by which waiting and told messages of a unit are found."""
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
        "ix_messages_units",
        "messages",
        ["unit", "status", "sent_at"],
        sqlite_where=TO_UNITS,
        postgresql_where=TO_UNITS,
    )
