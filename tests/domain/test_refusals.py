"""Refusals name units: in English by code, in Chinese as people call them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from domain.refusals import REFUSALS

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

AT = "2026-09-24 11:00"


@pytest.mark.parametrize(
    ("before", "step", "unit", "given", "english", "chinese"),
    [
        ((), "dispatch", "", {"lead": "gas"}, "dispatched to water on", "派发至自来水公司；"),
        ((), "request-return", "gas", {}, "lead unit, water, may", "主办单位自来水公司进行"),
        (("sign-in",), "sign-in", "water", {}, "water already signed in", "自来水公司已于"),
        (("sign-in",), "request-return", "water", {}, "water already signed in", "自来水公司已于"),
        (("sign-in",), "submit-result", "gas", {}, "lead unit, water, may", "主办单位自来水公司进行"),
        (("sign-in",), "report-progress", "gas", {}, "gas has not signed in", "燃气公司尚未签收"),
        (("sign-in",), "sign-in", "power", {}, "not with power", "未派发至贵单位"),
    ],
)
def test_a_unit_is_named_in_both_languages(
    named: Callable[..., "Desk"],
    before: tuple[str, ...],
    step: str,
    unit: str,
    given: dict[str, Any],
    english: str,
    chinese: str,
) -> None:
    desk = named()
    for earlier in before:
        desk.take(earlier, "2026-09-24 10:30")
    refusal = desk.refusal(step, AT, unit, **given)
    assert english in refusal.message
    assert chinese in refusal.message_zh


def test_a_redispatched_lead_that_has_not_signed_in_is_named(named: Callable[..., "Desk"]) -> None:
    desk = named()
    desk.take("sign-in", "2026-09-24 10:30", "water")
    desk.case.assignments[0].signed_in_at = None
    refusal = desk.refusal("submit-result", AT)
    assert (refusal.code, refusal.message_zh) == ("not_signed_in", "自来水公司尚未签收，请先签收。")


@pytest.mark.parametrize("step", ["dispatch", "redispatch"])
def test_a_unit_named_twice_is_named_as_the_dispatcher_knows_it(
    received: Callable[..., "Desk"], named: Callable[..., "Desk"], step: str
) -> None:
    desk = received("2026-09-24 10:00") if step == "dispatch" else named()
    names = {"heat": "热力公司"}
    refusal = desk.refusal(step, AT, lead="heat", assisting=("heat",), names=names)
    assert refusal.message.startswith("heat is named more than once")
    assert refusal.message_zh.startswith("承办单位热力公司重复")


def test_no_chinese_sentence_has_room_for_a_code_of_a_unit() -> None:
    for _, chinese in REFUSALS.values():
        assert "{unit}" not in chinese
        assert "{lead}" not in chinese
