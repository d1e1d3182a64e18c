from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from domain import story
from domain.refusals import Refused
from domain.roles import Actor, Role
from domain.steps.transfer import AcknowledgeTransfer, RefuseTransfer

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

TO_110: dict[str, Any] = {"to": "110", "terms": {"name": "110报警服务台", "within": "10min"}}
TO_12315: dict[str, Any] = {"to": "12315", "terms": {"name": "12315热线", "within": "1wd"}}


def partner(code: str | None) -> Actor:
    return Actor(role=Role.INTEGRATION, id=f"partner-{code}", unit=code)


@pytest.fixture
def transferring(received: Callable[..., "Desk"]) -> "Desk":
    """A case of 24 September, 10:00, offered to 110 five minutes later; its dispatch limit ends on 8 October."""
    desk = received("2026-09-24 10:00")
    desk.take("transfer", "2026-09-24 10:05", note="n-1", **TO_110)
    return desk


def test_a_transfer_waits_for_its_partner_and_the_hotline_stays_responsible(transferring: "Desk") -> None:
    assert transferring.case.status == "transferring"
    assert transferring.clocks() == {"dispatch", "acknowledgement"}
    assert transferring.due("dispatch") == "2026-10-08 24:00"
    assert transferring.due("acknowledgement") == "2026-09-24 10:15"
    (requested,) = transferring.events[1:]
    effects = [(e.party, e.partner, e.kind, e.key) for e in transferring.effects([requested])]
    assert effects == [("partner", "110", "transfer", "ZZ-1:2:partner:110:transfer")], "the citizen is told nothing yet"
    assert story.effect(transferring.effects([requested])[0], transferring.case) == "通知联动平台 110报警服务台：转接"


def test_acknowledged_it_is_closed_and_the_citizen_told(transferring: "Desk") -> None:
    acknowledged, closed = transferring.take("acknowledge-transfer", "2026-09-24 10:07", number="J-17")
    assert (acknowledged.kind, acknowledged.facts) == ("transfer_acknowledged", {"to": "110", "number": "J-17"})
    assert (acknowledged.clock, acknowledged.late) == ("acknowledgement", False)
    assert (closed.clock, closed.late) == ("dispatch", False)
    assert (closed.facts["outcome"], transferring.case.clocks) == ("transferred", [])
    assert [(e.party, e.kind) for e in transferring.effects([acknowledged, closed])] == [("citizen", "transferred")]
    assert story.line(acknowledged, transferring.case) == (
        "2026-09-24 10:07，对方接收转接（话务员），转接确认时限，110报警服务台，对方编号 J-17，时限 2026-09-24 10:15"
    )


def test_a_partner_that_is_late_is_shown_late_while_the_hotline_is_not(transferring: "Desk") -> None:
    acknowledged, closed = transferring.take("acknowledge-transfer", "2026-09-24 10:20")[-2:]
    assert (acknowledged.kind, acknowledged.clock, acknowledged.late) == (
        "transfer_acknowledged", "acknowledgement", True,
    )  # fmt: skip
    assert (closed.clock, closed.late) == ("dispatch", False)


def test_acknowledged_after_the_dispatch_limit_both_are_late(transferring: "Desk") -> None:
    acknowledged, closed = transferring.take("acknowledge-transfer", "2026-10-09 10:00")[-2:]
    assert (acknowledged.late, closed.clock, closed.late) == (True, "dispatch", True)
    assert "supervision_order" in {action for _, action in transferring.rungs("dispatch")}


def test_refused_it_is_where_it_was_and_its_limit_never_moved(received: Callable[..., "Desk"]) -> None:
    desk, stayed = received("2026-09-24 10:00"), received("2026-09-24 10:00")
    desk.take("transfer", "2026-09-24 10:05", **TO_12315)
    (refused,) = desk.take("refuse-transfer", "2026-09-25 16:00", note="n-2")
    assert (refused.kind, refused.note, refused.facts, refused.late) == (
        "transfer_refused", "n-2", {"to": "12315"}, False,
    )  # fmt: skip
    assert desk.effects([refused]) == []
    assert (desk.case.status, desk.case.clocks, desk.case.due()) == ("received", stayed.case.clocks, stayed.case.due())
    dispatched = desk.take("dispatch", "2026-10-08 10:00", lead="water")[-1]
    assert desk.read(dispatched.due) == "2026-10-08 24:00"


def test_refused_it_may_go_to_somebody_else(transferring: "Desk") -> None:
    transferring.take("refuse-transfer", "2026-09-24 10:08")
    transferring.take("transfer", "2026-09-24 10:09", **TO_12315)
    transferring.take("acknowledge-transfer", "2026-09-24 10:30")
    assert (transferring.case.outcome, transferring.case.transfer and transferring.case.transfer.to) == (
        "transferred", "12315",
    )  # fmt: skip


def test_a_returned_case_comes_back_as_returned(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    desk.take("request-return", "2026-09-24 11:00")
    desk.take("decide-return", "2026-09-24 12:00", accepted=True)
    limit = desk.due("dispatch")
    desk.take("transfer", "2026-09-24 13:00", **TO_110)
    desk.take("refuse-transfer", "2026-09-24 13:05")
    assert (desk.case.status, desk.due("dispatch")) == ("returned", limit)


def test_unacknowledged_in_time_the_hotline_sees_red_and_nobody_is_disciplined(transferring: "Desk") -> None:
    (red,) = transferring.lapse("2026-09-24 10:15")
    assert (red.action, red.clock, red.unit, red.facts["to"]) == ("red", "acknowledgement", None, "hotline")
    assert (transferring.effects([red]), transferring.case.breaches) == ([], ["acknowledgement"])
    assert transferring.next() == ("2026-09-30 09:00", "dispatch", "yellow")
    (refused,) = transferring.take("refuse-transfer", "2026-09-24 10:20")
    assert refused.late


def test_the_dispatch_ladder_goes_on_while_the_partner_is_silent(received: Callable[..., "Desk"]) -> None:
    desk, stayed = received("2026-09-24 10:00"), received("2026-09-24 10:00")
    desk.take("transfer", "2026-09-24 10:05", **TO_110)
    desk.lapse("2026-10-20 10:00")
    stayed.lapse("2026-10-20 10:00")
    assert desk.rungs("dispatch") == stayed.rungs("dispatch") != []


def test_a_partner_without_a_limit_is_waited_for(received: Callable[..., "Desk"]) -> None:
    desk = received("2026-09-24 10:00")
    desk.take("transfer", "2026-09-24 10:05", to="12319", terms={"name": "12319热线"})
    assert desk.clocks() == {"dispatch"}


@pytest.mark.parametrize(
    ("step", "arguments"),
    [
        ("dispatch", {"lead": "water"}),
        ("answer", {}),
        ("reject", {"ground": "privacy"}),
        ("reclassify", {"category": "complaint"}),
        ("transfer", TO_12315),
        ("call-back", {"reached": False}),
    ],
)
def test_meanwhile_the_hotline_does_nothing_else_with_it(
    transferring: "Desk", step: str, arguments: dict[str, Any]
) -> None:
    refusal = transferring.refusal(step, "2026-09-24 10:06", **arguments)
    assert refusal.code == "being_transferred"
    assert refusal.message_zh == "已于2026-09-24 10:05转接110报警服务台，对方尚未确认；请先登记对方接收或退回。"


@pytest.mark.parametrize("step", ["supplement", "hurry", "withdraw"])
def test_what_the_citizen_does_meanwhile_reaches_the_partner(transferring: "Desk", step: str) -> None:
    effects = transferring.effects(transferring.take(step, "2026-09-24 10:06"))
    kind = {"supplement": "supplemented", "hurry": "hurried", "withdraw": "withdrawn"}[step]
    assert ("partner", "110", kind) in [(e.party, e.partner, e.kind) for e in effects]


def test_a_supervisor_may_close_it_and_the_partner_is_told(transferring: "Desk") -> None:
    effects = transferring.effects(transferring.take("close", "2026-09-24 10:06"))
    assert [(e.party, e.partner, e.kind) for e in effects] == [
        ("partner", "110", "closed"), ("citizen", None, "closed"),
    ]  # fmt: skip


def test_once_refused_the_partner_hears_no_more_of_it(transferring: "Desk") -> None:
    transferring.take("refuse-transfer", "2026-09-24 10:06")
    assert transferring.effects(transferring.take("supplement", "2026-09-24 10:07")) == []


@pytest.mark.parametrize("step", ["acknowledge-transfer", "refuse-transfer"])
@pytest.mark.parametrize("who", ["12315", None])
def test_only_the_partner_it_went_to_answers_for_itself(transferring: "Desk", step: str, who: str | None) -> None:
    command = {"acknowledge-transfer": AcknowledgeTransfer, "refuse-transfer": RefuseTransfer}[step]
    with pytest.raises(Refused) as refused:
        transferring.give(command(by=partner(who), note="n-1"), "2026-09-24 10:06")
    assert refused.value.code == "not_your_transfer"
    transferring.give(command(by=partner("110"), note="n-1"), "2026-09-24 10:06")
    assert transferring.case.status == ("closed" if step == "acknowledge-transfer" else "received")


@pytest.mark.parametrize("step", ["acknowledge-transfer", "refuse-transfer"])
def test_what_was_never_transferred_is_not_answered(received: Callable[..., "Desk"], step: str) -> None:
    assert received("2026-09-24 10:00").refused(step, "2026-09-24 10:05") == (
        "not_in_this_stage", "This step is for a case that is transferring; this one is received.",
    )  # fmt: skip


def test_what_is_with_a_unit_is_no_longer_transferred(dispatched: Callable[..., "Desk"]) -> None:
    assert dispatched("2026-09-24 10:00").refused("transfer", "2026-09-24 10:05", **TO_110) == (
        "not_in_this_stage",
        "This step is for a case that is received or returned; this one is dispatched.",
    )


@pytest.mark.parametrize("line", ["110", "119", "120"])
def test_a_transfer_recorded_before_partners_acknowledged_ends_the_case(
    received: Callable[..., "Desk"], line: str
) -> None:
    desk = received("2026-09-24 10:00")
    transferred, closed = desk.take("transfer", "2026-09-24 10:01", to=line)
    assert (transferred.kind, transferred.facts["to"], closed.facts["outcome"]) == ("transferred", line, "transferred")
    assert (desk.case.status, desk.case.clocks) == ("closed", [])
    assert [(e.party, e.kind) for e in desk.effects([transferred, closed])] == [("citizen", "transferred")]
