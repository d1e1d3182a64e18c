"""What of a case's personal data goes into an answer: all of it, all but the identity, or what masking leaves."""

from typing import Any

from api.sight import learns_identity, reads_personal
from domain.masking import anonymous, mask_name, mask_phone
from domain.roles import Actor
from ledger.models import CaseRow


def words_of(row: CaseRow, actor: Actor, words: str | None) -> str | None:
    """Free words that belong to a case, as the actor may read them; None if not at all."""
    if not words or not reads_personal(actor):
        return None
    return words if learns_identity(actor, row) else anonymous(words, row.name)


def title_in_list(row: CaseRow, actor: Actor) -> str | None:
    """The title as lists show it, to anybody: without the name, or any number by which somebody could be found."""
    return anonymous(row.title, row.name) if row.title and reads_personal(actor) else None


def personal_of(row: CaseRow, actor: Actor) -> dict[str, Any]:
    """The personal fields of a case as the actor may read them."""
    in_full = reads_personal(actor)
    words = {name: words_of(row, actor, getattr(row, name)) for name in ("title", "text", "address")}
    others = {name: getattr(row, name) if in_full else None for name in ("longitude", "latitude", "vulnerable")}
    return {**words, **others, **_contact(row, actor, in_full=in_full)}


def _contact(row: CaseRow, actor: Actor, *, in_full: bool) -> dict[str, str | None]:
    if not learns_identity(actor, row):
        return {"name": None, "phone": None}
    if in_full:
        return {"name": row.name, "phone": row.phone}
    return {"name": row.name and mask_name(row.name), "phone": row.phone and mask_phone(row.phone)}
