"""The record and its page of cases that are out of the ordinary."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from domain.city import City, load_city
from domain.events import EventKind
from domain.roles import ENGINE, Role
from domain.rulebook import Action, ClockName
from domain.words import SENDING
from ledger.database import Ledger
from ledger.dossier import Record, gather
from ledger.dossier_page import render
from ledger.erasure import erase
from ledger.errors import Unreadable
from ledger.messages import Sending, save_attempt
from ledger.receipts import ACCEPTED
from ledger.recording import record
from settings import Settings

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)

Make = Callable[..., Any]
Open = Callable[..., Awaitable[str]]


CITY = load_city(Settings().city_folder)


@pytest.fixture
def city() -> City:
    return CITY


async def record_of(ledger: Ledger, number: str) -> Record:
    found = await ledger.run(gather, number, CITY, findings=True, reads=True)
    assert found is not None
    return found


async def tamper(ledger: Ledger, statement: str) -> None:
    def run(connection: Connection) -> None:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER events_no_update")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.execute(text(statement))

    await ledger.run(run)


async def test_events_read_as_people_say_them(
    ledger: Ledger, opened: Open, summary: Make, event: Make, city: City
) -> None:
    number = await opened(name="王芳")
    late = NOON - timedelta(days=1, hours=2, seconds=1)
    happened = [
        event(1, kind=EventKind.RECEIVED),
        event(2, by=ENGINE, kind=EventKind.ESCALATED, action=Action.CIRCULAR, clock=ClockName.HANDLING, due=late),
        event(3, kind=EventKind.EXTENSION_GRANTED, unit="zz-water", facts={"now": NOON}),
    ]
    await ledger.run(record, summary(number, last_event=3), happened)
    page = render(await record_of(ledger, number), city)
    for words in (
        "记录完整：3条经过",
        "通报",
        "系统",
        "办理时限 2026-11-20 09:59",
        "逾期1天2小时",
        "新时限 2026-11-21 12:00",
    ):
        assert words in page


async def test_what_was_changed_is_shown_as_it_is(ledger: Ledger, shown: Open, city: City) -> None:
    number = await shown()
    await tamper(ledger, """UPDATE events SET kind = 'bribed', role = 'king', facts = '{"now": "noon"}'""")
    page = render(await record_of(ledger, number), city)
    assert "记录不完整。首处异常：第1条经过，内容被改动或次序不符" in page
    for words in ("bribed", "king", "noon"):
        assert words in page


async def test_what_cannot_be_read_is_named(ledger: Ledger, shown: Open) -> None:
    if ledger.engine.dialect.name != "sqlite":
        return
    number = await shown()
    await tamper(ledger, "UPDATE events SET at = 'noon'")
    with pytest.raises(Unreadable, match=f"case {number}, event 1: it was changed"):
        await record_of(ledger, number)


async def test_an_erased_case_has_a_record_without_the_words(
    ledger: Ledger, shown: Open, city: City, tmp_path: Path
) -> None:
    number = await shown({"name": "王芳", "phone": "13800000000"}, closed_at=NOON)
    async with ledger.session() as session:
        await erase(session, tmp_path, number, timedelta(), NOON + timedelta(days=1))
    found = await record_of(ledger, number)
    assert (found.check.whole, found.request.name, found.request.text, found.request.salt) == (True, None, "", None)
    page = render(found, city)
    assert "记录完整" in page
    assert "已于 2026-11-22 12:00 清除" in page
    assert "清除个人信息" in page
    assert "13800000000" not in page


def test_every_way_a_message_may_stand_has_a_word() -> None:
    assert SENDING.keys() == {"held", "sending", "failed", "dropped", "listed", *ACCEPTED}


async def test_there_is_no_record_of_what_there_is_not(ledger: Ledger) -> None:
    assert await ledger.run(gather, "ZZ-20261121-00001", CITY, findings=True, reads=True) is None


async def test_a_page_names_things_as_people_do_and_says_why_somebody_could_not_be_told(
    ledger: Ledger, opened: Open, city: City
) -> None:
    number = await opened(item="water-leak", opened_role=Role.INTEGRATION, opened_id="partner:110")
    failures: list[tuple[str, Sending, str]] = [("1", "sending", "unreachable"), ("2", "failed", "http_410")]
    for key, status, error in failures:
        await ledger.run(
            save_attempt, key, case_number=number, event=1, party="unit", unit="zz-water", template="dispatch", text="",
            status=status, error=error, at=NOON,
        )  # fmt: skip
    page = render(await record_of(ledger, number), city)
    name = city.catalog_at(NOON).items["water-leak"].name
    for said in (f"<td>{name}</td>", "对接平台 110报警服务台", "系统不通，正在重试", "系统返回错误410"):
        assert said in page
    sensed = await opened(opened_role=Role.SYSTEM, opened_id="sensors")
    assert "系统 传感器" in render(await record_of(ledger, sensed), city)
