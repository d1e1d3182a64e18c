"""Intake (受理): a request by any channel, numbered and written down before the answer is given."""

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StrictFloat

from api.access import allowed
from api.fields import IdempotencyKey, OptionalForeignNumber, OptionalLine, Phone, Prose
from api.problems import Problem, unknown_item
from api.service import Jiesu, Service, now
from domain.catalog import Catalog, Suggestion
from domain.roles import Actor, Role
from ledger.intake import Intake, open_case, renumber
from ledger.models import CaseRow
from temporal.start import NumberTaken

log = logging.getLogger("jiesu.api")

router = APIRouter(tags=["intake"])

Channel = Literal[
    "phone", "wechat", "alipay", "app", "web", "mayor_mailbox", "message_board", "snapshot", "110", "119", "120",
    "hotline", "province", "grid", "open311",
]  # fmt: skip

PHONE = re.compile(r"(\+?86)?[- ]?(1\d{10}|0\d{2,3}[- ]?\d{7,8}|\d{7,8})", re.ASCII)
DEFAULT_CATEGORY = "help"

OUTSIDERS = frozenset({Role.CITIZEN, Role.GRID})
"""Those on whose word alone nothing is an outage, or an official's case."""
OFFICIAL = frozenset({"province", "110", "119", "120", "hotline"})
"""Channels by which other public bodies send cases."""


class NewCase(BaseModel):
    """A citizen's request. Only the text is required: one without usable contact or place is accepted and marked."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "channel": "phone",
                "name": "王女士",
                "phone": "13800000000",
                "address": "丰庆路与国基路交叉口附近小区3号楼",
                "text": "家里自来水水压变小，热水器打不着火，请帮忙查一下原因。",
                "category": "help",
            }
        },
    )

    channel: Channel = "phone"
    text: Prose
    title: OptionalLine = Field(
        default=None, description="A few words; without it what the request is about, by the catalog."
    )
    name: OptionalLine = None
    phone: Phone = None
    address: OptionalLine = None
    longitude: StrictFloat | None = Field(default=None, allow_inf_nan=False)
    latitude: StrictFloat | None = Field(default=None, allow_inf_nan=False)
    vulnerable: list[Literal["alone", "elderly", "disabled"]] = Field(
        default_factory=list,
        max_length=3,
        description="Who needs help, as the citizen says: lists show the case first, and a home visit is asked for.",
    )
    withhold_identity: StrictBool = Field(
        default=False, description="Unit and grid do not learn name and phone (对承办单位保密诉求人身份)."
    )
    category: OptionalLine = Field(default=None, description="Category of the rulebook; without it the catalog's.")
    item: OptionalLine = Field(default=None, description="Catalog item; without it the catalog's best match, if any.")
    outage: StrictBool | None = Field(
        default=None, description="大面积停水停电停气停热 or pollution; else by the item given."
    )
    province: StrictBool = Field(default=False, description="Sent by the province's hotline.")
    original_number: OptionalForeignNumber = Field(
        default=None, description="Its number at the hotline or platform it comes from."
    )


class Accepted(BaseModel):
    """A request that has been accepted, durably."""

    number: str
    received_at: AwareDatetime
    category: str
    item: str | None
    outage: bool
    province: bool
    grid: str | None
    marks: list[str] = Field(
        description="`no_contact`, `no_location`, `no_grid`, `unclassified`: for a person to look at."
    )
    suggestions: list[Suggestion] = Field(description="What the catalog would dispatch it to; a dispatcher decides.")


@router.post(
    "/cases",
    status_code=201,
    summary="Accept a request (受理)",
    responses={200: {"model": Accepted, "description": "Accepted before, under the same Idempotency-Key."}},
)
async def receive(
    body: NewCase,
    response: Response,
    actor: Annotated[Actor, Depends(allowed("receive"))],
    jiesu: Jiesu,
    key: IdempotencyKey = None,
) -> Accepted:
    """Number the request, write it down and start its case. What is answered 201 is never lost."""
    case = await accept(jiesu, actor, body, key)
    response.status_code = 201 if case.new else 200
    response.headers["Location"] = f"/cases/{case.row.number}"
    return Accepted(**case.row.model_dump(include=set(Accepted.model_fields)), suggestions=case.suggestions)


@dataclass(frozen=True)
class Case:
    """A request that has been accepted, and whether it was just now."""

    row: CaseRow
    new: bool
    suggestions: list[Suggestion]


async def accept(jiesu: Service, actor: Actor, body: NewCase, key: str | None, *, unclassified: bool = False) -> Case:
    """Number a request, write it down and start its case; the same key of the same actor gives the same case.

    `unclassified` has a person look at what it is about, though it may seem clear; so has a category or item that the
    city does not know, where a platform that speaks for citizens gives it.
    Raises Problem: 403 for what is not for this post to give, 422 for what the city does not know.
    """
    _check_origin(body, actor)
    received_at = now()
    catalog = jiesu.city.catalog_at(received_at)
    suggestions = catalog.suggest(f"{body.title or ''} {body.text}", body.address)
    if actor.role is Role.INTEGRATION and (unknown := _unknown(body, jiesu, catalog)):
        body, unclassified = body.model_copy(update=dict.fromkeys(unknown)), True
    intake = _intake(body, actor, jiesu, received_at, catalog, suggestions)
    if unclassified:
        intake = intake.model_copy(update={"marks": sorted({*intake.marks, "unclassified"})})
    day = jiesu.city.local_day(intake.received_at)
    row, new = await jiesu.ledger.run(open_case, jiesu.city.rulebook.code, intake, day, key and f"{actor.id}:{key}")
    if not row.started:
        row = await _start(jiesu, row, day if new else None)
    return Case(row, new, suggestions)


async def _start(jiesu: Service, row: CaseRow, day: date | None) -> CaseRow:
    """Start the case, under another number of `day` where the engine knows its own from a ledger that was lost.

    Without `day` somebody has been told the number, so it stays, and people must look into it.
    """
    while True:
        try:
            await jiesu.start(row)
        except NumberTaken:
            log.error("number %s is taken in the engine: was this ledger put beside another's engine?", row.number)
            if day is None:
                return row
            row = await jiesu.ledger.run(renumber, row.number, jiesu.city.rulebook.code, day)
        else:
            return row


def _check_origin(body: NewCase, actor: Actor) -> None:
    official = body.province or body.outage or body.original_number or body.channel in OFFICIAL
    if official and actor.role in OUTSIDERS:
        raise Problem(
            403,
            "not_your_post",
            "outage, province, original_number and channels of other public bodies are not for this post to give.",
            "大面积停供标记、省级转办、原编号和其他部门来件只能由热线或已对接的平台登记。",
        )


def _unknown(body: NewCase, jiesu: Service, catalog: Catalog) -> list[str]:
    """Of category and item, what the city does not know."""
    known: dict[str, Collection[str]] = {"category": jiesu.city.rulebook.categories, "item": catalog.items}
    return [name for name, codes in known.items() if getattr(body, name) and getattr(body, name) not in codes]


def _intake(
    body: NewCase, actor: Actor, jiesu: Service, received_at: datetime, catalog: Catalog, suggestions: list[Suggestion]
) -> Intake:
    city = jiesu.city
    best = suggestions[0] if suggestions else None
    given = catalog.items.get(body.item) if body.item else None
    if body.item and given is None:
        raise unknown_item()
    matter = given or best
    category = body.category or (matter.category if matter else DEFAULT_CATEGORY)
    if category not in city.rulebook.categories:
        known = ", ".join(sorted(city.rulebook.categories))
        raise Problem(422, "unknown_category", f"category: one of {known}", "本市规则中没有该诉求类别。")
    position = usable_position(body.longitude, body.latitude)
    longitude, latitude = position or (None, None)
    grid = city.grid_at(position, body.address)
    return Intake(
        **body.model_dump(include={"channel", "text", "name", "phone", "address", "original_number"}),
        longitude=longitude,
        latitude=latitude,
        vulnerable=sorted(set(body.vulnerable)),
        withheld=body.withhold_identity,
        received_at=received_at,
        title=body.title or (matter or city.rulebook.categories[category]).name,
        category=category,
        item=body.item or (best.item if best else None),
        outage=given.outage if body.outage is None and given else bool(body.outage),
        province=body.province or body.channel == "province",
        grid=grid.code if grid else None,
        marks=_marks(body, in_grid=grid is not None, classified=bool(body.category or matter)),
        opened_role=actor.role,
        opened_id=actor.id,
        rulebook_version=city.rulebook.version,
    )


def _marks(body: NewCase, *, in_grid: bool, classified: bool) -> list[str]:
    located = body.address is not None or usable_position(body.longitude, body.latitude) is not None
    marks = {
        "no_contact": body.phone is None or not PHONE.fullmatch(body.phone),
        "no_location": not located,
        "no_grid": located and not in_grid,
        "unclassified": not classified,
    }
    return [mark for mark, holds in marks.items() if holds]


def usable_position(longitude: float | None, latitude: float | None) -> tuple[float, float] | None:
    """A position (WGS 84 degrees) if it is one on earth, and not the 0, 0 that broken devices send."""
    if longitude is None or latitude is None or (longitude, latitude) == (0, 0):
        return None
    return (longitude, latitude) if -180 <= longitude <= 180 and -90 <= latitude <= 90 else None
