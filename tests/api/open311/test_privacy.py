"""Who may file and who learns what: without a key where a request stands, and nothing of whom it is about."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.roles import MAY, Role
from ledger.access_log import reads_of
from ledger.erasure import erase
from ledger.keys import create_key, revoke_key
from tests.api.conftest import Site
from tests.api.open311.geo_report import App, content, form, noted

MARKED = {
    "description": "标记词甲", "address_string": "标记词乙", "first_name": "标记词丙", "last_name": "标记词丁",
    "phone": "13899990000", "email": "marked@example.com", "device_id": "marked-device", "account_id": "marked-account",
    "address_id": "marked-address", "media_url": "https://marked.example/1.jpg", "lat": "34.754321",
    "long": "113.654321", "attribute[pole]": "marked-pole",
}  # fmt: skip
MARKS = ("标记词", "marked", "9999", "54321")
FOLLOWED = ("requests", "requests/{}", "requests?service_request_id={}", "tokens/{}")


async def texts(site: Site, number: str, key: str | None, suffix: str) -> dict[str, str]:
    """All that an app with a key can read of a request."""
    found = {}
    for path in FOLLOWED:
        path, _, query = path.format(number).partition("?")
        answer = await site.call("GET", f"/open311/v2/{path}{suffix}?{query}", key)
        assert answer.status_code == 200, answer.text
        found[path + query] = answer.text
    return found


async def test_without_a_key_nothing_personal_is_told(each_site: Site, suffix: str) -> None:
    number = await App(each_site, each_site.keys["integration"], suffix).file(**MARKED)
    await each_site.take(number, "supplement", "agent", text="标记词戊")
    for text in (await texts(each_site, number, None, suffix)).values():
        assert number in text
        assert not [mark for mark in MARKS if mark in text]


async def test_a_citizens_key_follows_as_anybody_does(site: Site) -> None:
    number = await App(site, site.keys["citizen"], ".json").file(**MARKED)
    for text in (await texts(site, number, site.keys["citizen"], ".json")).values():
        assert not [mark for mark in MARKS if mark in text]


@pytest.mark.parametrize("by", ["dispatcher", "agent", "supervisor", "admin", "grid"])
async def test_staff_are_shown_no_more_than_in_lists(site: Site, by: str) -> None:
    number = await App(site, site.keys["integration"], ".json").file(**MARKED)
    for text in (await texts(site, number, site.keys[by], ".json")).values():
        assert number in text
        assert not [mark for mark in MARKS if mark in text]


async def test_a_key_reads_what_it_filed_itself_by_its_id_and_that_is_recorded(each_site: Site, suffix: str) -> None:
    key = each_site.keys["integration"]
    app = App(each_site, key, suffix)
    number = await app.file(**MARKED)
    (listed,) = [one for one in await app.get("requests", "service_requests") if one["service_request_id"] == number]
    assert (listed["description"], listed["address"], listed["lat"]) == (None, None, None)
    assert (await each_site.get(f"/cases/{number}/readers", "inspector"))["items"] == []
    (request,) = await app.get(f"requests/{number}", "service_requests")
    assert request["description"].startswith("标记词甲\n灯杆编号：marked-pole\n附件：https://marked.example/1.jpg\n")
    assert (request["address"], request["lat"], request["long"]) == ("标记词乙", 34.754321, 113.654321)
    (read,) = (await each_site.get(f"/cases/{number}/readers", "inspector"))["items"]
    assert (read["what"], read["role"], read["reader"]) == ("open311", "integration", key.split("_")[1])


async def test_what_the_unit_reported_is_for_the_key_that_filed_it(each_site: Site, suffix: str) -> None:
    app = App(each_site, each_site.keys["integration"], suffix)
    number = await app.file()
    await each_site.take(number, "dispatch", "dispatcher", lead="zz-water")
    await each_site.take(number, "sign-in", "zz-water")
    for step, text, state in (("report-progress", "标记词甲", "办理中"), ("submit-result", "标记词乙", "已反馈待回访")):
        await each_site.take(number, step, "zz-water", text=text)
        await noted(app, number, f"{state}：{text}")
        for key in (None, each_site.keys["dispatcher"]):
            for answer in (await texts(each_site, number, key, suffix)).values():
                assert "标记词" not in answer
    (listed,) = [one for one in await app.get("requests", "service_requests") if one["service_request_id"] == number]
    assert listed["status_notes"] == "已反馈待回访"


async def test_another_integration_does_not_read_it(site: Site) -> None:
    number = await App(site, site.keys["integration"], ".json").file(**MARKED)
    async with site.ledger.session() as session:
        another = await create_key(session, Role.INTEGRATION, None, "another")
    for text in (await texts(site, number, another, ".json")).values():
        assert not [mark for mark in MARKS if mark in text]


async def test_what_came_in_elsewhere_is_followed_by_staff_alone(site: Site, suffix: str) -> None:
    number = await site.receive(text="标记词甲")
    anybody = App(site, None, suffix)
    for path in (f"requests/{number}", f"tokens/{number}"):
        assert await anybody.refused(404, path)
        assert await App(site, site.keys["citizen"], suffix).refused(404, path)
        assert await App(site, site.keys["zz-heat"], suffix).refused(404, path), "none of theirs"
    assert number not in {one["service_request_id"] for one in await anybody.get("requests", "service_requests")}
    integration = App(site, site.keys["integration"], suffix)
    (request,) = await integration.get(f"requests/{number}", "service_requests")
    assert (request["description"], request["address"]) == (None, None)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEM])
async def test_whoever_may_receive_may_file(site: Site, role: Role) -> None:
    app = App(site, site.keys["zz-water" if role is Role.UNIT else role.value], ".json")
    if role in MAY["receive"]:
        assert await app.file()
    else:
        assert "may not take the step receive" in await app.refused_to_file(403)


async def test_filing_takes_a_key_that_is_in_force(each_site: Site, suffix: str) -> None:
    async with each_site.ledger.session() as session:
        revoked = await create_key(session, Role.INTEGRATION, None, "left")
        await revoke_key(session, revoked.split("_")[1])
    for key in (None, "", "nonsense", "密钥", "jk_00000000_x", revoked):
        app = App(each_site, key, suffix)
        assert "api_key" in await app.refused_to_file(403)
        if key:
            assert "api_key" in await app.refused(403, "requests")
            assert "api_key" in await app.refused(403, "requests/ZZ-20000101-00001")


@pytest.mark.parametrize("where", ["query", "form", "header"])
async def test_a_key_may_come_in_query_form_or_header(site: Site, where: str) -> None:
    key = site.keys["integration"]
    answer = await App(site, key if where == "form" else None, ".json").site.call(
        "POST",
        "/open311/v2/requests.json" + (f"?api_key={key}" if where == "query" else ""),
        key if where == "header" else None,
        data=form(api_key=key) if where == "form" else form(),
    )
    assert content(answer, "filed", ".json")


async def test_what_was_erased_is_gone(each_site: Site, tmp_path: Path) -> None:
    app = App(each_site, each_site.keys["integration"], ".json")
    number = await app.file(**MARKED)
    await each_site.take(number, "withdraw", "agent", text="诉求人来电撤回。")
    await noted(app, number, "诉求人撤回")
    async with each_site.ledger.session() as session:
        await erase(session, tmp_path, number, timedelta(), datetime.now(UTC))
        before = len((await reads_of(session, number, None, 50)).items)
    (request,) = await app.get(f"requests/{number}", "service_requests")
    assert (request["status"], request["description"], request["address"]) == ("closed", None, None)
    async with each_site.ledger.session() as session:
        assert len((await reads_of(session, number, None, 50)).items) == before
