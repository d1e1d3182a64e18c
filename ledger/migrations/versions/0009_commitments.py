"""What began when, for the report on the units' own commitments."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BEGINNINGS = sa.text("kind IN ('dispatched', 'redispatched', 'rework_ordered', 'result_submitted')")


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_events_beginnings", "events", ["at"], sqlite_where=BEGINNINGS, postgresql_where=BEGINNINGS)
