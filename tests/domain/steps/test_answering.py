from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from domain.roles import Actor, Role
from domain.steps.answering import Answer

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


def test_an_answer_at_once_ends_the_case_and_reaches_the_citizen(received: Callable[..., "Desk"]) -> None:
    desk = received("2026-09-24 10:00", "consultation")
    answered, closed = desk.take("answer", "2026-09-24 10:04", note="answer-7")
    assert (answered.kind, answered.note, closed.facts["outcome"]) == ("answered", "answer-7", "answered")
    assert (desk.case.status, desk.case.clocks) == ("closed", [])
    assert [(e.party, e.kind, e.note) for e in desk.effects([answered, closed])] == [
        ("citizen", "answered", "answer-7")
    ]


def test_an_answer_has_a_text() -> None:
    with pytest.raises(ValidationError, match="note"):
        Answer.model_validate({"by": Actor(role=Role.AGENT, id="agent-1")})


def test_an_order_on_its_way_is_answered_by_its_unit(handling: Callable[..., "Desk"]) -> None:
    assert handling("2026-09-24 10:00").refused("answer", "2026-09-24 10:05") == (
        "not_in_this_stage",
        "This step is for a case that is received or returned; this one is handling.",
    )
