"""Staff see which units' systems work, and what waits for those that do not."""

from datetime import UTC, datetime, timedelta

from domain.effects import Party
from ledger.messages import save_attempt
from ledger.systems import known_systems, mark_back, note_failure
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
