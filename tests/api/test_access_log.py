"""Every read of personal data by staff is recorded, or nothing is given."""

from collections.abc import Callable
from uuid import uuid4

from sqlalchemy import text

from domain.roles import Role
from tests.api.conftest import OpenSite, Site
from tests.api.test_visibility import key_for


async def readers(site: Site, number: str, by: str = "inspector") -> list[tuple[str, str, str | None]]:
    """Role, part and unit of every read, oldest first."""
    items = (await site.get(f"/cases/{number}/readers", by))["items"]
    return [(item["role"], item["what"], item["unit"]) for item in reversed(items)]


async def test_who_read_what_is_told_to_inspectors_and_admins(each_site: Site) -> None:
    site = each_site
    number = await site.dispatched("zz-water", text=(word := uuid4().hex))
    assert await readers(site, number) == []
    await site.get(f"/cases/{number}", "zz-water")
    await site.get(f"/cases/{number}/timeline", "callback")
    await site.get("/cases", "agent", q=word)
    await site.get("/cases", "dispatcher", phone="13800000000", q=number)
    expected = [
        ("unit", "case", "zz-water"),
        ("callback", "timeline", None),
        ("agent", "search", None),
        ("dispatcher", "search", None),
    ]
    assert await readers(site, number) == await readers(site, number, "admin") == expected
    [newest, *_] = (await site.get(f"/cases/{number}/readers", "admin"))["items"]
    assert newest["reader"] == site.keys["dispatcher"].split("_")[1]
    assert newest["role_zh"]


async def test_what_is_masked_is_not_recorded(each_site: Site) -> None:
    site = each_site
    number = await site.dispatched()
    for by in ("admin", "integration", "grid"):
        await site.get(f"/cases/{number}", by)
        await site.get(f"/cases/{number}/timeline", by)
        await site.get("/cases", by)
    await site.get("/cases", "dispatcher", unit="zz-water")
    assert await readers(site, number) == []


async def test_a_unit_without_the_identity_still_reads_personal_data(site: Site) -> None:
    number = await site.dispatched(withhold_identity=True)
    await site.get(f"/cases/{number}", "zz-water")
    grid = await key_for(site, Role.GRID, "zz-g-weilailu")
    assert (await site.call("GET", f"/cases/{number}", grid)).status_code == 404
    assert await readers(site, number) == [("unit", "case", "zz-water")]


async def test_reads_come_in_pages(each_site: Site) -> None:
    site = each_site
    number = await site.receive()
    for _ in range(5):
        await site.get(f"/cases/{number}", "agent")
    found: list[str] = []
    before: dict[str, int] = {}
    while True:
        page = await site.get(f"/cases/{number}/readers", "inspector", limit=2, **before)
        found += [item["at"] for item in page["items"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert len(found) == 5
    assert found == sorted(found, reverse=True)


async def test_what_cannot_be_recorded_is_not_given(
    engine: str, open_site: OpenSite, new_sqlite: Callable[[], str]
) -> None:
    values = {"TEMPORAL_ADDRESS": engine, "TEMPORAL_NAMESPACE": "unmanned", "JIESU_TASK_QUEUE": "nobody"}
    async with open_site(new_sqlite(), values) as site:
        number = await site.receive(name="海明威")
        async with site.ledger.session() as session:
            await session.execute(text("ALTER TABLE reads RENAME TO lost"))
        for path in (f"/cases/{number}", f"/cases/{number}/timeline", f"/cases?q={number}"):
            answer = await site.call("GET", path, "agent")
            assert answer.status_code == 503
            assert "海明威" not in answer.text
        assert (await site.call("GET", f"/cases/{number}", "admin")).status_code == 200
