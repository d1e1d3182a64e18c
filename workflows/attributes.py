"""Search attributes of a case: codes by which a supervisor finds cases in the Temporal Web UI. Never personal data."""

from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from domain.case import Opening

CATEGORY = SearchAttributeKey.for_keyword("JiesuCategory")
ITEM = SearchAttributeKey.for_keyword("JiesuItem")
CHANNEL = SearchAttributeKey.for_keyword("JiesuChannel")
LEAD = SearchAttributeKey.for_keyword("JiesuLeadUnit")
GRID = SearchAttributeKey.for_keyword("JiesuGrid")
OVERDUE = SearchAttributeKey.for_bool("JiesuOverdue")
OUTAGE = SearchAttributeKey.for_bool("JiesuOutage")
PROVINCE = SearchAttributeKey.for_bool("JiesuProvince")

ALL: tuple[SearchAttributeKey[Any], ...] = (CATEGORY, ITEM, CHANNEL, LEAD, GRID, OVERDUE, OUTAGE, PROVINCE)


def at_start(opening: Opening) -> TypedSearchAttributes:
    """All attributes of a new case."""
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(CATEGORY, opening.category),
        SearchAttributePair(CHANNEL, opening.channel),
        SearchAttributePair(OVERDUE, False),
        SearchAttributePair(OUTAGE, opening.outage),
        SearchAttributePair(PROVINCE, opening.province),
    ]
    if opening.item:
        pairs.append(SearchAttributePair(ITEM, opening.item))
    if opening.grid:
        pairs.append(SearchAttributePair(GRID, opening.grid))
    return TypedSearchAttributes(pairs)
