"""What anybody may follow is found without looking at all cases."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

FILED = sa.text("channel = 'open311'")


def upgrade() -> None:
    """Add the index on requests that were filed through Open311."""
    op.create_index("ix_cases_open311", "cases", ["received_at", "number"], sqlite_where=FILED, postgresql_where=FILED)
