"""What the ledger refuses."""


class KeyReused(Exception):
    """A key that was already used comes back with another body."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key {key!r} was already used with another body")
        self.key = key


class BadCursor(ValueError):
    """A cursor that no page of ours gave out."""
