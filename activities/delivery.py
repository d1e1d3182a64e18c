"""Sending one message and keeping count of it: the same for every party."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from temporalio.exceptions import ApplicationError

from domain.effects import Effect
from ledger.database import Ledger
from ledger.messages import Sending, save_attempt

PLAIN = re.compile(r"[^\x00-\x1f\ud800-\udfff]{1,200}")


async def deliver(ledger: Ledger, effect: Effect, text: str, send: Callable[[], Awaitable[dict[str, Any]]]) -> None:
    """Send, and note in the ledger how it went. Whatever `send` raises is noted, and raised as ApplicationError.

    The receiver knows a repetition by the effect's key; the ledger keeps one row for it, with the number of tries.
    """
    error: ApplicationError | None = None
    answer: dict[str, Any] = {}
    try:
        answer = await send()
    except ApplicationError as failure:
        error = failure
    except Exception as failure:
        # Not foreseen, so perhaps not for ever; a failure that nobody notes is one that nobody sees.
        error = ApplicationError(f"{type(failure).__name__} in telling {effect.party}", type=type(failure).__name__)
    code = error.type if error else None
    await _note(ledger, effect, text, _status(error), usable(answer.get("reference")), code)
    if error is not None:
        raise error


async def drop(ledger: Ledger, effect: Effect) -> None:
    """Note that a message is not sent (any more), since it is of no use by now."""
    await _note(ledger, effect, "", "dropped")


async def leave(ledger: Ledger, effect: Effect, text: str) -> None:
    """Note a message that is sent to nobody: whom it concerns looks at our list by themselves."""
    await _note(ledger, effect, text, "listed")


def usable(reference: object) -> str | None:
    """A receiver's reference as a short text that databases can hold; None for anything else."""
    text = str(reference) if isinstance(reference, int | str) else ""
    return text if PLAIN.fullmatch(text) else None


async def _note(
    ledger: Ledger, effect: Effect, text: str, status: Sending, reference: str | None = None, error: str | None = None
) -> None:
    await ledger.run(
        save_attempt,
        effect.key,
        case_number=effect.case,
        event=effect.event,
        party=effect.party,
        unit=effect.unit or effect.grid or effect.partner,
        template=effect.kind,
        text=text,
        status=status,
        reference=reference,
        error=error,
        at=datetime.now(UTC),
    )


def _status(error: ApplicationError | None) -> Sending:
    if error is None:
        return "sent"
    return "failed" if error.non_retryable else "sending"
