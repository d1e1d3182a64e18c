"""Requests that partners give to us: each becomes a case, and what is odd about it is for a person to look at."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.fields import LONGEST
from api.intake import NewCase, accept, usable_position
from api.partner_messages import Offer
from api.partner_photos import keep_photos
from api.problems import Problem
from api.service import Service, now
from domain.partners import Partner
from domain.roles import Actor
from ledger.errors import KeyReused
from ledger.intake import opened_with
from ledger.models import CaseRow

NOTES = {
    "unknown_category": (
        "Not a category of this city: somebody will choose one.",
        "本市规则中没有该类别，将由人工确定。",
    ),
    "unknown_item": ("Not an item of the catalog: somebody will choose one.", "目录中没有该事项，将由人工确定。"),
    "no_position": ("The position is none on earth, or half of one.", "坐标无效，将由人工核实地点。"),
    "no_location": ("It names no place: somebody will ask.", "无有效地点，将由人工核实。"),
    "no_contact": ("It names no telephone that can be called.", "无有效联系电话，办理结果可能无法告知诉求人。"),
    "unclassified": ("It is not clear what it is about: somebody will choose.", "诉求类别不明，将由人工确定。"),
    "no_grid": ("The place is in no grid of this city.", "该地点不在本市网格内，将由人工核实。"),
    "photo_refused": ("A photo is no image that is taken, of 1 MB at most.", "部分照片格式或大小不符，未予保存。"),
    "photos_full": (
        "A message takes four photos, and a case twenty files; a photo was not kept.",
        "照片或附件已达上限，部分照片未予保存。",
    ),
    "left_out": ("A field that is malformed was left out.", "部分字段格式有误，未予采用。"),
    "no_text": ("It has no words: somebody will look at the photos.", "来件无文字说明，将由人工查看照片。"),
    "text_cut": (f"The text was cut to {LONGEST} characters.", f"诉求内容过长，仅保留前{LONGEST}字。"),
    "known": (
        "The request of this number is here already; nothing of it has changed.",
        "该编号的诉求已登记，内容未变更。",
    ),
}
"""What the answer to an offer says of it: code → (English, Chinese)."""

UNCLASSIFIED = frozenset({"unknown_category", "unknown_item"})
"""Notes for which somebody looks at what the request is about."""


class Note(BaseModel):
    """Something about the request that a person will look at, or that was not taken."""

    code: str
    detail: str
    detail_zh: str


class TakenOver(BaseModel):
    """Our acknowledgement: the request is a case of ours, durably."""

    case: str = Field(description="Our number.")
    original_number: str | None = Field(description="The partner's.")
    marks: list[str] = Field(description="As at intake: for a person to look at.")
    notes: list[Note]


async def take_over(jiesu: Service, partner: Partner, actor: Actor, offer: Offer) -> tuple[TakenOver, bool]:
    """A case for the request, or the one that its number has; and whether it is new.

    Under other words a known number changes nothing. Raises Problem 403 for a partner that sends no requests.
    """
    if partner.sends is None:
        raise Problem(403, "not_your_post", "This partner sends no requests here.", "该平台未开通向热线转入诉求。")
    notes = [*offer.notes, *_unknown(jiesu, offer)]
    request, unclassified = _request(jiesu, partner, offer, notes), not UNCLASSIFIED.isdisjoint(notes)
    try:
        case = await accept(jiesu, actor, request, offer.number, unclassified=unclassified)
    except KeyReused:
        known = await jiesu.ledger.run(opened_with, f"{actor.id}:{offer.number}")
        assert known is not None, "the key has opened a case"
        return _taken_over(known, ["known"]), False
    notes += await keep_photos(jiesu, case.row.number, actor, offer.photos)
    return _taken_over(case.row, [*notes, *(mark for mark in case.row.marks if mark not in notes)]), case.new


def _taken_over(row: CaseRow, notes: list[str]) -> TakenOver:
    said = [Note(code=code, detail=NOTES[code][0], detail_zh=NOTES[code][1]) for code in notes]
    return TakenOver(case=row.number, original_number=row.original_number, marks=row.marks, notes=said)


def _unknown(jiesu: Service, offer: Offer) -> list[str]:
    """What the city does not know of an offer, by the codes of `NOTES`."""
    located = offer.longitude is not None or offer.latitude is not None
    position = usable_position(offer.longitude, offer.latitude)
    found: dict[str, Any] = {
        "unknown_category": offer.category and offer.category not in jiesu.city.rulebook.categories,
        "unknown_item": offer.item and offer.item not in jiesu.city.catalog_at(now()).items,
        "no_position": located and position is None,
        "no_grid": position and jiesu.city.grid_at(position, offer.address) is None,
    }
    return [code for code, holds in found.items() if holds]


def _request(jiesu: Service, partner: Partner, offer: Offer, unknown: list[str]) -> NewCase:
    left_out = {"number", "happened_at", "photos"}
    left_out |= {name for name in ("category", "item") if f"unknown_{name}" in unknown}
    given = offer.model_dump(exclude=left_out) | {"channel": partner.sends}
    when = f"\n（来件注明发生于{_local(jiesu, offer.happened_at)}）" if offer.happened_at else ""
    if len(offer.text) + len(when) <= LONGEST:
        given["text"] = f"{offer.text}{when}"
    return NewCase.model_validate(given | {"original_number": offer.number})


def _local(jiesu: Service, instant: datetime) -> str:
    """An instant as the city reads it; one without an offset is by its clocks."""
    return jiesu.local_time(instant if instant.tzinfo else instant.replace(tzinfo=jiesu.city.zone))
