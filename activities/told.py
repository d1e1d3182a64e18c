"""What an effect is about, read from the ledger: the engine itself knows codes only."""

from typing import Any

from temporalio.exceptions import ApplicationError

from domain.effects import Effect
from domain.masking import anonymous
from ledger.database import Ledger
from ledger.told import Told, look_up


async def what_is_told(ledger: Ledger, effect: Effect) -> Told:
    """Read what an effect is about. Raises ApplicationError (not retryable) if the ledger has no such event."""
    told = await ledger.run(look_up, effect.case, effect.about or effect.event)
    if told is None:
        raise ApplicationError(
            f"The ledger has no event {effect.case}:{effect.event}", type="no_event", non_retryable=True
        )
    return told


def home_visit(told: Told) -> dict[str, Any]:
    """Whether somebody should go there in person, and for whose sake: `alone`, `elderly`, `disabled`."""
    return {"home_visit": bool(told.vulnerable), "vulnerable": told.vulnerable}


def for_handlers(told: Told, words: str | None) -> str | None:
    """Words as units and grids get them: without who the citizen is, where that is withheld."""
    return anonymous(words, told.name) if words and told.withheld else words
