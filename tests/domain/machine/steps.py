"""The steps of random lives: which come when, in which words, and by whom."""

from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from domain.calendar import load_calendar
from domain.command import Command
from domain.deadlines import DayRules
from domain.events import Status
from domain.limits import Limit
from domain.roles import ENGINE, MAY, Actor, Role
from domain.rulebook import Rulebook, load_rulebook
from domain.steps import ENGINE_STEPS, PEOPLE_STEPS
from domain.steps.transfer import Terms

CITY = Path(__file__).parents[3] / "cities" / "zhengzhou"
RULEBOOK = load_rulebook(CITY / "rulebook.toml")
CALENDAR = load_calendar(CITY / "calendar.toml").slice(date(2026, 8, 1), date(2028, 3, 1))
NEEDS_A_NOTE = {name for name, step in PEOPLE_STEPS.items() if step.model_fields["note"].is_required()}

UNITS = ["water", "gas", "heat"]
BESIDE = {"grid-sign-in", "grid-report", "grid-escalate", "assign-grid"}
"""What is done about the grid while the units work."""
ENDS = {"reject", "answer", "transfer", "withdraw", "close"}
NATURAL = {
    Status.RECEIVED: ["dispatch", "transfer"],
    Status.RETURNED: ["dispatch", "dispatch", "transfer", "answer"],
    Status.TRANSFERRING: ["refuse-transfer", "refuse-transfer", "acknowledge-transfer", "supplement"],
    Status.DISPATCHED: [
        "sign-in", "sign-in", "request-return", "redispatch", "grid-sign-in", "grid-resolve", "grid-report",
    ],
    Status.HANDLING: [
        "submit-result", "request-extension", "request-extension", "request-suspension", "report-progress",
        "give-opinion", "reclassify", "redispatch", "resend", "grid-report",
    ],
    Status.SUSPENDED: ["resume", "report-progress", "record-visit", "sign-in", "resend"],
    Status.CALLBACK: ["call-back", "rate"],
    Status.CLOSED: ["hurry"],
}  # fmt: skip

UNIT = st.sampled_from(UNITS)
LIMIT = st.sampled_from([None, None, *map(Limit.parse, ["1wd", "2wd", "9wd", "3h"])])
RATING = {"rating": st.integers(1, 5), "solved": st.booleans(), "contacted": st.booleans()}
NOT_REACHED: dict[str, st.SearchStrategy[Any]] = {"reached": st.just(False)}
ORDER = st.tuples(st.permutations(UNITS), st.integers(0, 2)).map(
    lambda drawn: {"lead": drawn[0][0], "assisting": tuple(drawn[0][1 : 1 + drawn[1]])}
)
TERMS = Terms(name="110报警服务台", within=Limit.parse("10min"))
BEGUN: st.SearchStrategy[dict[str, dict[str, Any]]] = st.sampled_from(
    [
        {},
        {"transfer": {"to": "110", "terms": TERMS}},
        {"dispatch": {"lead": "water", "assisting": ("gas",)}},
        {"dispatch": {"lead": "water"}, "sign-in": {}},
        {"dispatch": {"lead": "water", "assisting": ("gas",)}, "grid-sign-in": {}, "grid-resolve": {}},
        {"dispatch": {"lead": "water", "assisting": ("gas", "heat")}, "sign-in": {}},
        {"dispatch": {"lead": "water"}, "request-return": {}},
        {"dispatch": {"lead": "water"}, "sign-in": {}, "request-extension": {}},
        {"dispatch": {"lead": "water"}, "sign-in": {}, "request-suspension": {"until": timedelta(days=9)}},
        {"dispatch": {"lead": "water"}, "sign-in": {}, "submit-result": {}},
    ]
)
UNTIL = st.sampled_from([-1, 0, 1, 2, 7, 30, 180, 181]).map(timedelta)
ARGUMENTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "reject": st.fixed_dictionaries({"ground": st.sampled_from(["petition", "privacy", "nonsense"])}),
    "transfer": st.fixed_dictionaries(
        {"to": st.sampled_from(["110", "12315"])},
        optional={"terms": st.sampled_from([TERMS, TERMS, TERMS.model_copy(update={"within": None})])},
    ),
    "acknowledge-transfer": st.fixed_dictionaries({}, optional={"number": st.just("J-1")}),
    "dispatch": ORDER,
    "redispatch": ORDER,
    "reclassify": st.fixed_dictionaries(
        {}, optional={"category": st.sampled_from([*RULEBOOK.categories, "nonsense"]), "outage": st.booleans()}
    ),
    "decide-return": st.fixed_dictionaries({"accepted": st.booleans()}),
    "request-extension": st.fixed_dictionaries({"limit": LIMIT}),
    "decide-extension": st.fixed_dictionaries({"granted": st.sampled_from([True, True, False])}),
    "request-suspension": st.fixed_dictionaries({"until": UNTIL}),
    "decide-suspension": st.fixed_dictionaries({"granted": st.sampled_from([True, True, False])}),
    "call-back": st.one_of(
        st.fixed_dictionaries(NOT_REACHED),
        st.fixed_dictionaries({"reached": st.just(True)} | RATING),
        st.fixed_dictionaries({"reached": st.booleans()}, optional=RATING),
    ),
    "rate": st.fixed_dictionaries(RATING),
    "assign-grid": st.sampled_from(["g-1", "g-2"]).map(
        lambda grid: {"grid": grid, "lineage": {grid: "网格", "g-0": "街道"}}
    ),
    "report-failure": st.fixed_dictionaries({"effect": st.just("e"), "party": st.just("unit"), "error": st.just("x")}),
}


def command_of(step: str, unit: str | None, arguments: dict[str, Any]) -> Command:
    """The step as whoever may take it asks for it."""
    if step in ENGINE_STEPS:
        return ENGINE_STEPS[step](by=ENGINE, **arguments)
    role = sorted(MAY[step])[0]
    by = Actor(role=role, id="key-1", unit=unit if role in (Role.UNIT, Role.GRID) else None)
    return PEOPLE_STEPS[step](by=by, **({"note": "n-1"} if step in NEEDS_A_NOTE else {}), **arguments)


def rules_of(starts: str, ends: time | None, holds: bool) -> Rulebook:
    """The city's rulebook, but where it may choose."""
    handling = RULEBOOK.clocks.handling.model_copy(update={"starts": starts})
    return RULEBOOK.model_copy(
        update={
            "clocks": RULEBOOK.clocks.model_copy(update={"handling": handling}),
            "days": DayRules(ends=ends),
            "extension": RULEBOOK.extension.model_copy(update={"holds": holds}),
        }
    )
