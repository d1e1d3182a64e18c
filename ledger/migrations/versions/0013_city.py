"""Units and grids are read from the city's files alone; nothing has read their tables."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Drop both tables."""
    op.drop_table("units")
    op.drop_table("grids")
