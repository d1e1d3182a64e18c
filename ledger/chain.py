"""What proves a case's record: every event is hashed together with the hash of the event before it.

Personal words stay outside the chain. An event carries only a commitment to them, `sealed`, which tells nothing once
words and salt have been erased; so the chain stays whole and the erased words cannot be guessed from it.

All hashes are SHA-256 in hexadecimal. The columns named here and the canonical form are what every hash that was ever
kept rests on: another column or form needs a migration that makes every hash anew.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ledger.models import PERSONAL

EVENT = (
    "case_number", "n", "at", "kind", "role", "actor_id", "actor_unit", "unit", "clock", "due", "provisional",
    "action", "note", "facts", "sealed",
)  # fmt: skip
"""Columns of an event that its hash covers: all others."""

REQUEST = (*PERSONAL, "withheld", "original_number", "channel")
"""Columns of a case that the first event's `sealed` commits to."""

ORIGIN = ("received_at", "channel", "marks", "rulebook_version", "opened_role", "opened_id", "sealed")
"""Columns of a case that stay as the intake made them, and may be kept for ever."""

STANDING = (
    "status", "outcome", "category", "item", "outage", "province", "lead", "assisting", "grid", "due", "due_clock",
    "provisional", "breaches", "breached", "extended", "rework_rounds", "hurries", "closed_at", "last_event", "started",
)  # fmt: skip
"""Columns of a case that show where it stands."""


def canonical(values: object) -> str:
    """The one way to write values down: JSON with sorted keys, no blanks, ASCII, instants in UTC with microseconds."""
    return ENCODER.encode(values)


def first_link(case_number: str) -> str:
    """What the first event of a case follows in place of an event's hash."""
    return _hash(f"jiesu:{case_number}")


def link(previous: str, event: Mapping[str, Any]) -> str:
    """The hash of an event that follows the event with the hash `previous`."""
    return _hash(previous + canonical({name: event[name] for name in EVENT}))


def new_salt() -> str:
    """32 random bytes, in hexadecimal."""
    return secrets.token_hex(32)


def seal_request(salt: str, case: Mapping[str, Any]) -> str:
    """The commitment to what a citizen said and who they are."""
    words = {name: case[name] for name in REQUEST}
    # SQLite keeps no sign of a zero.
    words |= {name: value + 0.0 for name, value in words.items() if isinstance(value, float)}
    if not words["vulnerable"]:
        # As when nobody could have said so: older requests were sealed without it.
        del words["vulnerable"]
    return _hash(salt + canonical(words))


def seal_note(salt: str, text: str) -> str:
    """The commitment to the text of a note."""
    return _hash(salt + canonical({"text": text}))


def seal_case(head: str, case: Mapping[str, Any]) -> str:
    """The hash over where a case stands, how it came in, and the hash of its last event."""
    return _hash(head + canonical({name: case[name] for name in (*ORIGIN, *STANDING)}))


def _instant(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} has no canonical form")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_instant)
