"""What a text says: the city's templates, filled with what the ledger knows of the case."""

from datetime import datetime

from domain.city import City
from domain.deadlines import show
from domain.effects import Effect
from domain.sms import LONGEST_BRIEF
from domain.texts import Filled
from ledger.told import Told

MASKED = "********"


def filled(city: City, effect: Effect, told: Told) -> Filled:
    """The text as the citizen gets it."""
    return city.texts.fill(effect.kind, _values(city, effect, told))


def copy(city: City, effect: Effect, told: Told) -> str:
    """The text as staff read it: with the code in it they could act as the citizen."""
    return city.texts.fill(effect.kind, _values(city, effect, told) | {"code": MASKED}).text


def brief(city: City, effect: Effect, told: Told) -> str:
    """The text as one piece of news among several."""
    return city.sms.brief.fill(effect.kind, _values(city, effect, told), LONGEST_BRIEF).text


def _values(city: City, effect: Effect, told: Told) -> dict[str, str]:
    """What the templates may speak of."""
    facts = told.facts
    to = facts.get("to", "")
    partner = city.partners.get(to)
    ground = city.rulebook.grounds.get(facts.get("ground", ""))
    return {
        "city": city.rulebook.city,
        "number": effect.case,
        "code": told.code or "无",
        "unit": city.called(told.unit or told.lead) or "承办单位",
        "due": _shown(city, facts.get("now")),
        "until": _shown(city, facts.get("until")),
        "guidance": ground.guidance if ground else "",
        "reason": told.note or "",
        "to": city.called(to) or to,
        "there": facts.get("number") or "未告知",
        "call": (partner.ask_at if partner else None) or to,
    }


def _shown(city: City, instant: str | None) -> str:
    return show(datetime.fromisoformat(instant), city.rulebook.days) if instant else ""
