"""Cases are found by the number that a partner gave them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TAKEN_OVER = sa.text("kind = 'transfer_acknowledged'")


def upgrade() -> None:
    """Add the index on transfers that were taken."""
    op.create_index("ix_events_taken_over", "events", ["at"], sqlite_where=TAKEN_OVER, postgresql_where=TAKEN_OVER)
