"""Messages to the platforms that all cases share are found by how they stand, as those to systems are."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

TO_PLATFORMS = sa.text("party IN ('citizen', 'grid')")


def upgrade() -> None:
    """Add the index by which waiting and taken messages are found."""
    op.create_index(
        "ix_messages_platforms",
        "messages",
        ["party", "status", "sent_at"],
        sqlite_where=TO_PLATFORMS,
        postgresql_where=TO_PLATFORMS,
    )
