"""What a party of the sandbox city has received: one entry per idempotency key."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

LIMIT = 10_000

Entry = dict[str, Any]


class Inbox:
    """Entries in order of arrival; beyond `limit` the oldest is forgotten."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._entries: dict[str, Entry] = {}

    def receive(self, key: str, content: dict[str, Any]) -> tuple[Entry, bool]:
        """The entry for `key`, and whether it is new; a key seen before only counts one more attempt."""
        known = self._entries.get(key)
        if known is not None:
            known["attempts"] += 1
            return known, False
        received_at = datetime.now(UTC).isoformat()
        entry = {"reference": uuid4().hex, "key": key, "attempts": 1, "received_at": received_at, **content}
        self._entries[key] = entry
        if len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]
        return entry, True

    def entries(self, **equal: str | None) -> list[Entry]:
        """Entries, oldest first, whose fields equal those given; None means any."""
        wanted = {name: value for name, value in equal.items() if value is not None}
        return [entry for entry in self._entries.values() if wanted.items() <= entry.items()]
