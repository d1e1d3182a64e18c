"""The clock by which texts wait, apart so that a test may set it."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present, UTC."""
    return datetime.now(UTC)
