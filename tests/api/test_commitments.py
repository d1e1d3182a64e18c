"""The units' own commitments, shown with each case and told over some days, on both databases."""

from typing import Any

import pytest

from tests.api.conftest import Site
from tests.api.test_dossier import page_of, record_of, written
from tests.api.test_grids import received


async def report(site: Site, unit: str, by: str = "supervisor", **days: str) -> dict[str, Any]:
    found = await site.get(f"/units/{unit}/commitments", by, **days)
    return {tally["code"]: tally for tally in found["commitments"]}


async def revisited(site: Site) -> str:
    """A complaint that the water company visited, answered the same day and visited again."""
    number = await site.dispatched(category="complaint")
    for step in ("sign-in", "record-visit"):
        await site.take(number, step, "zz-water")
    await site.take(number, "submit-result", "zz-water", text="阀门已打开，水压恢复。")
    await site.take(number, "record-visit", "zz-water", text="回访时水压正常。")
    await written(site, number, 6)
    return number


async def test_a_case_shows_what_its_unit_promised_apart_from_its_limits(each_site: Site) -> None:
    number = await revisited(each_site)
    shown = (await each_site.get(f"/cases/{number}/timeline", "zz-water"))["commitments"]
    assert [(one["unit"], one["code"], one["state"]) for one in shown] == [
        ("zz-water", "same-day", "met"), ("zz-water", "home-visit", "met"), ("zz-water", "revisit", "met"),
    ]  # fmt: skip
    assert (await record_of(each_site, number))["commitments"] == shown
    page = (await page_of(each_site, number)).text
    section = page[page.index("<h2>服务承诺</h2>") :]
    for words in ("不属于法定时限", "日清日结", "上门服务", "投诉上门回访", "已兑现", "郑州水务集团"):
        assert words in section
    assert "回访时水压正常。" in page


async def test_an_order_says_by_when_its_unit_promised_what(site: Site) -> None:
    number = await site.dispatched("zz-heat", item="heat-cold")
    (order,) = await received(site, "heat", number)
    assert [one["code"] for one in order["commitments"]] == ["answer", "small-fault"]
    shown = (await site.get(f"/cases/{number}/timeline"))["commitments"]
    assert [one["due"] for one in order["commitments"]] == [one["due"] for one in shown]


async def test_the_citizen_reads_that_the_unit_says_it_was_there(site: Site) -> None:
    number = await site.dispatched()
    await site.take(number, "record-visit", "zz-water", text="内部说明")
    await written(site, number, 3)
    answer = await site.call("GET", f"/cases/{number}/track", headers={"Case-Code": await site.code(number)})
    assert answer.json()["steps"][-1]["text"] == "郑州水务集团记录已上门。"
    assert "内部说明" not in answer.text


async def test_a_case_without_commitments_shows_none(site: Site) -> None:
    number = await site.receive()
    await written(site, number, 1)
    assert (await site.get(f"/cases/{number}/timeline"))["commitments"] == []
    assert "服务承诺" not in (await page_of(site, number)).text


async def test_a_report_counts_what_began_on_its_days(each_site: Site) -> None:
    before = await report(each_site, "zz-water")
    kept = await revisited(each_site)
    missed = await each_site.dispatched(category="complaint")
    await each_site.take(missed, "sign-in", "zz-water")
    await each_site.take(missed, "submit-result", "zz-water", text="已处理。")
    await each_site.take(missed, "call-back", "callback", reached=True, rating=5, solved=True, contacted=True)
    await written(each_site, missed, 6)
    after = await report(each_site, "zz-water")

    def more(code: str, figure: str) -> int:
        return int(after[code][figure] - before[code][figure])

    assert {code: more(code, "met") for code in after} == {"same-day": 2, "home-visit": 1, "revisit": 1}
    assert {code: more(code, "missed") for code in after} == {"same-day": 0, "home-visit": 1, "revisit": 1}
    revisit = after["revisit"]
    assert missed in revisit["missed_cases"]
    assert kept not in revisit["missed_cases"]
    assert revisit["percent"] == round(100 * revisit["met"] / revisit["decided"], 1)
    assert revisit["median_seconds"] >= 0
    assert (await report(each_site, "zz-water", to="2020-01-01"))["revisit"]["orders"] == 0


async def test_an_assisting_unit_is_found_though_it_never_did_anything(each_site: Site) -> None:
    before = (await report(each_site, "zz-heat"))["answer"]["orders"]
    number = await each_site.receive()
    await each_site.take(number, "dispatch", "dispatcher", lead="zz-water", assisting=["zz-heat"])
    await written(each_site, number, 2)
    assert (await report(each_site, "zz-heat", "zz-heat"))["answer"]["orders"] == before + 1


async def test_a_unit_reads_its_own_report_and_no_other(site: Site) -> None:
    assert set(await report(site, "zz-water", "zz-water")) == {"same-day", "home-visit", "revisit"}
    for by, unit in (("zz-water", "zz-heat"), ("supervisor", "nobody")):
        answer = await site.call("GET", f"/units/{unit}/commitments", by)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_unit")


async def test_a_unit_without_commitments_has_an_empty_report(site: Site) -> None:
    assert await report(site, "zz-gas") == {}


@pytest.mark.parametrize(
    "days",
    [
        {"from": "2026-02-02", "to": "2026-02-01"},
        {"from": "2020-01-01", "to": "2026-01-01"},
        {"to": "9999-12-31"},
        {"to": "0001-01-01"},
    ],
)
async def test_days_that_make_no_period_are_refused(site: Site, days: dict[str, str]) -> None:
    answer = await site.call("GET", "/units/zz-water/commitments", "supervisor", params=days)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_period")
