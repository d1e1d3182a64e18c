"""What a step is: who asks what of a case."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from domain.roles import Actor

if TYPE_CHECKING:
    from domain.case import Case


class Command(BaseModel, ABC):
    """One step asked of a case. `step` is its name everywhere: route, update in the engine, row of the role table.

    `note` names the free text that belongs to it, which stays in the ledger.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: ClassVar[str]
    after_closing: ClassVar[bool] = False
    """Whether the step may still be taken when the case is closed."""

    by: Actor
    note: str | None = None

    @abstractmethod
    def take(self, case: "Case", at: datetime) -> None:
        """Check the rules and change the case, or raise Refused. `at` is UTC."""
