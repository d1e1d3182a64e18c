"""Who sees which cases, and whether with the personal words in them."""

from collections.abc import Callable

from domain.city import City
from domain.roles import Actor, Role, permitted
from domain.tables import with_those_below
from ledger.models import AttachmentRow, CaseRow, MessageRow
from ledger.sight import Sight

HANDLERS = frozenset({Role.UNIT, Role.GRID})
"""Those from whom a citizen may have their identity withheld."""


def sight_of(actor: Actor, city: City) -> Sight:
    """A unit or a grid sees what is its own and what belongs to those below it; every other post sees all cases.

    An actor for the whole grid platform, without a grid of its own, sees all cases too, masked.
    """
    identities = actor.role not in HANDLERS
    if actor.role is Role.UNIT:
        units = with_those_below(actor.unit, city.units) if actor.unit else frozenset[str]()
        return Sight(units=units, identities=identities)
    if actor.role is Role.GRID and actor.unit:
        return Sight(grids=with_those_below(actor.unit, city.grids), identities=identities)
    return Sight(identities=identities)


def reads_personal(actor: Actor) -> bool:
    """Whether the actor's post needs to know who and where a citizen is."""
    return permitted(actor, "read-personal")


def learns_identity(actor: Actor, row: CaseRow) -> bool:
    """Whether the actor may learn who the citizen of a case is, masked or not."""
    return not (row.withheld and actor.role in HANDLERS)


def shows_file(file: AttachmentRow, row: CaseRow, actor: Actor) -> bool:
    """Whether the actor may see a file: one from a citizen who is not to be known may show who it is."""
    return learns_identity(actor, row) or file.author_role in HANDLERS


def addressees(actor: Actor, city: City) -> Callable[[MessageRow], bool]:
    """Which messages about a case the actor may see: units and grids those to them, or to any below them."""
    if actor.role not in HANDLERS:
        return lambda _: True
    sight = sight_of(actor, city)
    own = sight.units if actor.role is Role.UNIT else sight.grids
    return lambda message: message.party == actor.role and (own is None or message.unit in own)
