"""The core alone: full lifecycles of an ordinary case in one process, without server, network or table."""

import time
from datetime import UTC, datetime, timedelta

from domain.case import Case, Opening
from domain.city import City
from domain.command import Command
from domain.roles import Actor, Role
from domain.steps.callback import CallBack
from domain.steps.dispatch import Dispatch
from domain.steps.result import SubmitResult
from domain.steps.sign_in import SignIn

AGENT = Actor(role=Role.AGENT, id="bench")
DISPATCHER = Actor(role=Role.DISPATCHER, id="bench")
UNIT = Actor(role=Role.UNIT, id="bench", unit="zz-water")
CALLBACK = Actor(role=Role.CALLBACK, id="bench")

ORDINARY: tuple[Command, ...] = (
    Dispatch(by=DISPATCHER, lead="zz-water"),
    SignIn(by=UNIT),
    SubmitResult(by=UNIT, note="n-bench"),
    CallBack(by=CALLBACK, reached=True, rating=5, solved=True, contacted=True),
)
"""The steps of an ordinary case."""


def lifecycles_per_minute(city: City, seconds: float = 3.0) -> float:
    """How many full lifecycles the core goes through in a minute, measured over `seconds`."""
    received = datetime(2026, 9, 24, 2, tzinfo=UTC)
    calendar = city.calendar.slice(received.date(), received.date() + timedelta(days=400))
    rulebook = city.rulebook.travelling
    opening = Opening(number="ZZ-20260924-00001", received_at=received, by=AGENT, channel="phone", category="help")
    done, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        case, _ = Case.open(opening, rulebook, calendar)
        for hours, command in enumerate(ORDINARY, start=1):
            case.handle(command, received + timedelta(hours=hours))
        done += 1
    return done / spent * 60
