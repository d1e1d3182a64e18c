from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


@pytest.mark.parametrize("line", ["110", "119", "120"])
def test_an_emergency_goes_to_its_own_line(received: Callable[..., "Desk"], line: str) -> None:
    desk = received("2026-09-24 10:00")
    transferred, closed = desk.take("transfer", "2026-09-24 10:01", to=line)
    assert (transferred.kind, transferred.facts["to"], closed.facts["outcome"]) == ("transferred", line, "transferred")
    assert (desk.case.status, desk.case.clocks) == ("closed", [])
    assert [(e.party, e.kind) for e in desk.effects([transferred, closed])] == [("citizen", "transferred")]


def test_there_are_no_other_lines(received: Callable[..., "Desk"]) -> None:
    with pytest.raises(ValidationError, match="to"):
        received("2026-09-24 10:00").take("transfer", "2026-09-24 10:01", to="12345")


def test_what_is_with_a_unit_is_no_longer_transferred(dispatched: Callable[..., "Desk"]) -> None:
    assert dispatched("2026-09-24 10:00").refused("transfer", "2026-09-24 10:05", to="110") == (
        "not_in_this_stage",
        "This step is for a case that is received or returned; this one is dispatched.",
    )
