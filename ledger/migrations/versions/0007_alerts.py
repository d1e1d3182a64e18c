"""What sensors watch, what they say is wrong, and to whom the engine itself sends a case."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

UNENDED = sa.text("ended_at IS NULL")
UNTOLD = sa.text("recovered_at IS NOT NULL AND told_at IS NULL AND ended_at IS NULL AND case_number IS NOT NULL")
UNCONFIRMED = sa.text("ended_at IS NULL AND case_number IS NULL")
SAYS_WELL = sa.text("well_at IS NOT NULL")

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, and a column to cases."""
    op.add_column("cases", sa.Column("ordered", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "assets",
        sa.Column("code", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("grid", sa.String()),
        sa.Column("address", sa.Text()),
        sa.Column("longitude", sa.Float()),
        sa.Column("latitude", sa.Float()),
        sa.Column("vulnerable", sa.JSON(), nullable=False),
    )
    op.create_index("ix_assets_unit", "assets", ["unit"])
    _create_alerts()
    op.create_table(
        "sensor_events",
        sa.Column("asset", sa.String(), primary_key=True),
        sa.Column("source", sa.String(), primary_key=True),
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("well_at", sa.DateTime(timezone=True)),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alert", sa.BigInteger()),
        sa.Column("case_number", sa.String()),
    )
    op.create_index("ix_sensor_events_taken_at", "sensor_events", ["taken_at"])
    op.create_index(
        "ix_sensor_events_well",
        "sensor_events",
        ["asset", "kind", "well_at"],
        sqlite_where=SAYS_WELL,
        postgresql_where=SAYS_WELL,
    )


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("grid", sa.String()),
        sa.Column("area", sa.String()),
        sa.Column("longitude", sa.Float()),
        sa.Column("latitude", sa.Float()),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recent", sa.JSON(), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("last_value", sa.Float()),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_number", sa.String(), sa.ForeignKey("cases.number")),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.Column("collective", sa.Boolean(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.Column("recovered_at", sa.DateTime(timezone=True)),
        sa.Column("steady_at", sa.DateTime(timezone=True)),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_alerts_asset", "alerts", ["asset"])
    op.create_index("ix_alerts_case_number", "alerts", ["case_number"])
    op.create_index("ix_alerts_joined", "alerts", ["unit", "kind", "area", "confirmed_at"])
    for name, columns, where, unique in (
        ("ix_alerts_open", ["asset", "kind"], UNENDED, True),
        ("ix_alerts_untold", ["case_number"], UNTOLD, False),
        ("ix_alerts_unconfirmed", ["expires_at"], UNCONFIRMED, False),
    ):
        op.create_index(name, "alerts", columns, unique=unique, sqlite_where=where, postgresql_where=where)
