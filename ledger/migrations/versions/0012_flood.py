"""What a confirmed alert may join is found among the latest of its unit and kind, however many there were before."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Order the index by time alone: alerts of all areas are counted, and few are recent."""
    op.drop_index("ix_alerts_joined", "alerts")
    op.create_index("ix_alerts_joined", "alerts", ["unit", "kind", "confirmed_at"])
