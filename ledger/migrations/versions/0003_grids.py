"""Vulnerable residents: who needs help, and that their open cases come first in lists."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; nobody was asked about it before."""
    op.add_column("cases", sa.Column("vulnerable", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column("cases", sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.drop_index("ix_cases_newest", "cases")
    op.create_index("ix_cases_first", "cases", ["priority", "received_at", "number"])
