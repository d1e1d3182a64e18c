"""Staff see which outside systems work, and what waits for those that do not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from activities.watch import Watch
from domain.city import load_city
from domain.effects import Party
from ledger.messages import Sending, save_attempt
from ledger.systems import known_systems, mark_back, note_failure
from settings import Settings
from tests.api.conftest import Site

LATER = datetime(2026, 11, 21, 4, tzinfo=UTC)


async def test_a_system_that_is_down_is_shown_with_what_waits_for_it(each_site: Site) -> None:
    number = await each_site.receive()
    await each_site.ledger.run(note_failure, "gas", "http_503", LATER - timedelta(days=2))
    await each_site.ledger.run(note_failure, "gas", "unreachable", LATER)
    await each_site.ledger.run(
        save_attempt, f"{number}:2:unit:zz-gas:dispatch", case_number=number, event=2, party=Party.UNIT, unit="zz-gas",
        template="dispatch", text="", status="sending", error="unreachable", at=LATER,
    )  # fmt: skip
    systems = {system["system"]: system for system in await each_site.get("/systems", "supervisor")}
    assert systems["gas"] == {
        "system": "gas",
        "units": ["zz-gas"],
        "partners": [],
        "reach": "webhook",
        "up": False,
        "down_since": "2026-11-19T04:00:00Z",
        "back_at": None,
        "last_error": "unreachable",
        "waiting": 1,
        "oldest_waiting": "2026-11-21T04:00:00Z",
    }
    assert "zz-jinshui" in systems["office"]["units"]
    assert len(systems["office"]["units"]) > 1
    [row] = await each_site.ledger.run(known_systems, down=True)
    await each_site.ledger.run(mark_back, row, LATER)
    systems = {system["system"]: system for system in await each_site.get("/systems", "admin")}
    assert (systems["gas"]["up"], systems["gas"]["back_at"]) == (True, "2026-11-21T04:00:00Z")
    assert systems["gas"]["last_error"] == "unreachable"


async def test_a_system_that_answers_is_up_once_it_has_taken_what_waited_for_it(site: Site) -> None:
    number, watch = await site.receive(), Watch(site.ledger, load_city(Settings().city_folder))
    await site.ledger.run(note_failure, "110", "http_503", LATER)

    async def transfer(status: Sending) -> None:
        await site.ledger.run(
            save_attempt, f"{number}:2:partner:110:transfer", case_number=number, event=2, party=Party.PARTNER,
            unit="110", template="transfer", text="", status=status, at=LATER,
        )  # fmt: skip

    async def police() -> tuple[list[str], bool, int]:
        [found] = [system for system in await site.get("/systems", "admin") if system["system"] == "110"]
        return found["partners"], found["up"], found["waiting"]

    await transfer("sending")
    assert not await watch.note_answer("110")
    assert await police() == (["110"], False, 1)
    await transfer("sent")
    assert await watch.note_answer("110")
    assert await police() == (["110"], True, 0)
    assert await watch.note_answer("110")


async def test_the_platforms_that_all_cases_share_are_shown_too(each_site: Site) -> None:
    async def gateway() -> dict[str, Any]:
        systems = {system["system"]: system for system in await each_site.get("/systems", "admin")}
        assert systems["grid-platform"].keys() == systems["gas"].keys()
        found: dict[str, Any] = systems["sms-gateway"]
        return found

    # Later than any text is sent, so that no worker finds it back meanwhile.
    await each_site.ledger.run(note_failure, "sms-gateway", "unreachable", datetime.now(UTC) + timedelta(hours=1))
    shown = await gateway()
    assert (shown["reach"], shown["units"], shown["partners"]) == ("platform", [], [])
    assert (shown["up"], shown["last_error"], shown["down_since"] is None) == (False, "unreachable", False)
    for row in await each_site.ledger.run(known_systems, down=True):
        await each_site.ledger.run(mark_back, row, LATER)
    assert ((await gateway())["up"], (await gateway())["back_at"]) == (True, "2026-11-21T04:00:00Z")
