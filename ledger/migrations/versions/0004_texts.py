"""What texts to citizens need: those that wait, those that travel together, receipts, numbers nobody answers to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add columns to messages and cases, and the table of stray receipts."""
    op.add_column("cases", sa.Column("unreachable_at", sa.DateTime(timezone=True)))
    op.add_column("messages", sa.Column("held_until", sa.DateTime(timezone=True)))
    op.add_column("messages", sa.Column("merged_into", sa.String()))
    op.add_column("messages", sa.Column("reported_at", sa.DateTime(timezone=True)))
    op.create_index("ix_messages_held_until", "messages", ["held_until"])
    op.create_index("ix_messages_merged_into", "messages", ["merged_into"])
    op.create_index("ix_messages_reference", "messages", ["reference"])
    op.create_table(
        "stray_receipts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("reference", sa.String()),
        sa.Column("key", sa.String()),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stray_receipts_reference", "stray_receipts", ["reference"])
