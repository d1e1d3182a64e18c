"""Measures of supervision: orders, circulars, interviews, referrals."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from domain.rulebook import Action, ClockName
from ledger.database import insert
from ledger.models import MeasureRow


async def raise_measure(
    session: AsyncSession,
    key: str,
    *,
    case_number: str,
    event: int,
    action: Action,
    unit: str | None,
    at: datetime,
    situation: str | None = None,
    clock: ClockName | None = None,
    due: datetime | None = None,
) -> bool:
    """Raise a measure against a unit (None: the hotline itself); False if its key was raised before."""
    row = MeasureRow(
        key=key,
        case_number=case_number,
        event=event,
        action=action.value,
        unit=unit,
        situation=situation,
        clock=clock and clock.value,
        due=due,
        at=at,
    )
    statement = insert(session, MeasureRow).values(row.model_dump()).on_conflict_do_nothing(index_elements=["key"])
    return await session.scalar(statement.returning(MeasureRow)) is not None
