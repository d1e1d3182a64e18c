"""Sending one message and keeping count of it: the same for every party."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from temporalio.exceptions import ApplicationError

from domain.effects import Effect
from ledger.database import Ledger
from ledger.messages import Sending, save_attempt


async def deliver(
    ledger: Ledger,
    effect: Effect,
    text: str,
    send: Callable[[], Awaitable[dict[str, Any]]],
    reference: str = "reference",
) -> None:
    """Send, and note in the ledger how it went. Whatever `send` raises is noted and raised again.

    The receiver knows a repetition by the effect's key; the ledger keeps one row for it, with the number of tries.
    """
    error: ApplicationError | None = None
    answer: dict[str, Any] = {}
    try:
        answer = await send()
    except ApplicationError as failure:
        error = failure
    await ledger.run(
        save_attempt,
        effect.key,
        case_number=effect.case,
        event=effect.event,
        party=effect.party,
        unit=effect.unit or effect.grid or effect.partner,
        template=effect.kind,
        text=text,
        status=_status(error),
        reference=answer.get(reference),
        error=error.type if error else None,
        at=datetime.now(UTC),
    )
    if error is not None:
        raise error


def _status(error: ApplicationError | None) -> Sending:
    if error is None:
        return "sent"
    return "failed" if error.non_retryable else "sending"
