"""What always holds of the events of a case."""

from itertools import pairwise

from hypothesis.stateful import invariant

from domain.events import EventKind, Status
from domain.rulebook import Action
from tests.domain.machine.life import Life


class RecordHolds(Life):
    """Events are in order, and nothing is granted, ordered or referred more often than it may be."""

    @invariant()
    def events_are_numbered_and_in_time(self) -> None:
        assert [event.n for event in self.events] == list(range(1, self.case.last_event + 1))
        assert all(one.at <= two.at for one, two in pairwise(self.events))
        assert self.case._events == []

    @invariant()
    def nothing_is_granted_or_referred_too_often(self) -> None:
        kinds = [event.kind for event in self.events]
        assert kinds.count(EventKind.EXTENSION_GRANTED) + kinds.count(EventKind.EXTENSION_REFUSED) <= 1
        assert kinds.count(EventKind.RETURN_ACCEPTED) + kinds.count(EventKind.RETURN_REFUSED) <= 1
        assert kinds.count(EventKind.REWORK_ORDERED) == self.case.rework_rounds <= self.case.rulebook.rework.rounds
        assert kinds.count(EventKind.CLOSED) == (self.case.status is Status.CLOSED)
        referred = [(e.unit, e.facts["situation"]) for e in self.events if e.action is Action.DISCIPLINE_REFERRAL]
        assert len(referred) == len(set(referred)) == len(self.case.referrals)
