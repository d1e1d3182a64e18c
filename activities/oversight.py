"""Supervision and discipline inspection: what is raised against a unit, for supervisors and inspectors to take up."""

from temporalio import activity

from activities.told import what_is_told
from domain.effects import TELL, Effect, Party
from domain.rulebook import Action, ClockName
from ledger.database import Ledger
from ledger.measures import raise_measure


class Oversight:
    """Raises measures, each once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @activity.defn(name=TELL[Party.SUPERVISION])
    async def supervise(self, effect: Effect) -> None:
        """Raise a supervision order, meeting, circular, interview or government inspection (细则, supervision)."""
        await self._raise(effect, Action(effect.kind), situation=None)

    @activity.defn(name=TELL[Party.DISCIPLINE])
    async def refer(self, effect: Effect) -> None:
        """Refer a situation to discipline inspection (实践, 纪检监察监督模块); the unit is not told."""
        await self._raise(effect, Action.DISCIPLINE_REFERRAL, situation=effect.kind)

    async def _raise(self, effect: Effect, action: Action, situation: str | None) -> None:
        told = await what_is_told(self._ledger, effect)
        async with self._ledger.session() as session:
            await raise_measure(
                session,
                effect.key,
                case_number=effect.case,
                event=effect.event,
                action=action,
                unit=effect.unit,
                at=told.at,
                situation=situation,
                clock=ClockName(told.clock) if told.clock else None,
                due=told.event_due,
            )
