"""What a supervisor reads in the Temporal Web UI, and what nobody must: names, phones, addresses, texts."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.sdk.v1 import UserMetadata

from domain.deadlines import show
from sandbox.faults import Fault
from tests.workflows.hotline import NOTE, PERSONAL, Hotline, Street, eventually, of_type


def summary(metadata: UserMetadata) -> str:
    return _text(metadata.summary)


def _text(payload: Payload) -> str:
    return payload.data.decode().strip('"')


async def page(hotline: Hotline, number: str) -> str:
    """The current details, as the web page asks for them."""
    found: Any = await hotline.case(number).query("__temporal_workflow_metadata")
    return str(found.current_details)


async def test_the_page_of_a_case_tells_its_story(hotline: Hotline) -> None:
    number = await hotline.receive("complaint", outage=True)
    await hotline.take(number, "dispatch", lead="zz-water", assisting=("zz-heat",))
    await hotline.take(number, "sign-in")
    due = (await hotline.events(number))[-1].at + timedelta(hours=2)
    text = await page(hotline, number)
    assert text.startswith(f"## {number} · 办理中")
    assert "类别：投诉（应急）" in text
    assert "主办：zz-water（已签收" in text
    assert "协办：zz-heat（未签收）" in text
    assert f"| 初步意见时限 | zz-water | {show(due, hotline.city.rulebook.days)}" in text
    story = text.split("### 办理经过")[1]
    assert [word in line for word, line in zip(("受理", "派单", "签收"), story.strip().splitlines(), strict=True)]
    assert "逾期" not in story


async def test_the_list_shows_number_category_and_marks(hotline: Hotline) -> None:
    number = await hotline.receive("complaint", outage=True, province=True)
    description = await hotline.case(number).describe()
    assert await description.static_summary() == f"{number} · 投诉 · 应急 · 省级派发"
    await hotline.take(number, "dispatch", lead="zz-water")
    found = (await hotline.case(number).describe()).typed_search_attributes
    assert {pair.key.name: pair.value for pair in found if pair.key.name.startswith("Jiesu")} == {
        "JiesuCategory": "complaint", "JiesuChannel": "phone", "JiesuGrid": "zz-g-dulingjie",
        "JiesuLeadUnit": "zz-water", "JiesuOverdue": False, "JiesuOutage": True, "JiesuProvince": True,
    }  # fmt: skip


async def test_timers_and_activities_have_names_in_chinese(hotline: Hotline, street: Street) -> None:
    number = await hotline.receive()
    due = (await hotline.take(number, "dispatch", lead="zz-water")).due
    assert await eventually(lambda: street.received("water", number))
    history = await hotline.history(number)
    activities = [summary(event.user_metadata) for event in of_type(history, "ACTIVITY_TASK_SCHEDULED")]
    assert sorted(activities) == [
        "短信告知诉求人：受理",
        "通知承办单位 zz-water：派单；通知网格 杜岭街街道：派单",
    ]
    assert due is not None
    timer = summary(of_type(history, "TIMER_STARTED")[-1].user_metadata)
    assert timer.startswith(f"签收时限 {show(due, hotline.city.rulebook.days)} zz-water 下一步 ")
    assert timer.endswith("黄牌预警")


async def test_no_personal_data_leaves_the_ledger(
    hasty: Hotline, street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await street.fault("sms", Fault(kind="error"))
    number = await hasty.receive()
    await hasty.take(number, "dispatch", lead="zz-water")
    await hasty.take(number, "sign-in")
    await hasty.take(number, "supplement")
    await hasty.take(number, "request-extension")
    await hasty.take(number, "decide-extension", granted=True, note="n-granted")
    shown = await page(hasty, number)
    await hasty.take(number, "submit-result")
    await hasty.take(number, "call-back", reached=True, rating=5, solved=True, contacted=True)
    await hasty.closed(number)
    orders = await street.received("water", number)
    assert PERSONAL["phone"] in str(orders), "the unit does get them"
    history = await hasty.history(number)
    description = await hasty.case(number).describe()
    seen = {
        "history": b"".join(event.SerializeToString() for event in history.events).decode(errors="replace"),
        "readable history": history.to_json().encode().decode("unicode_escape", errors="replace"),
        "description": description.raw_description.SerializeToString().decode(errors="replace"),
        "page": shown,
        "log": caplog.text,
    }
    for secret in (*PERSONAL.values(), NOTE):
        assert [where for where, text in seen.items() if secret in text] == [], secret
    assert number in seen["history"]
