from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from ledger.access_log import reads_of
from ledger.audit import Findings, verify
from ledger.database import Ledger, open_ledger
from ledger.migrate import config, upgrade


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, SQLModel.metadata))


async def test_models_and_migrations_agree(ledger: Ledger) -> None:
    async with ledger.engine.connect() as connection:
        assert await connection.run_sync(_differences) == []


async def test_many_may_upgrade_at_once_and_again(blank_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [blank_url] * 4))
    upgrade(blank_url)
    ledger = open_ledger(blank_url)
    async with ledger.session() as session:
        versions = await session.execute(text("SELECT version_num FROM alembic_version"))
        assert versions.scalars().all() == ["0013"]
        assert (await session.execute(text("SELECT count(*) FROM cases"))).scalar_one() == 0
    await ledger.close()


CASE = """
    INSERT INTO cases VALUES ('ZZ-20261121-0000{n}', '2026-11-21 04:00:00.000000+00:00', 'phone', '王芳', '13800000000',
    NULL, '停水', '家里停水了', 113, 34.7, NULL, '["no_location"]', NULL, 'h', '1', '1', 'agent', 'key-1', 'dispatched',
    NULL, 'help', NULL, '0', '1', 'water', '[]', NULL, '2026-11-25 16:00:00.000000+00:00', 'sign_in', '0', '[]', '0',
    '0', 0, 0, NULL, {last})
"""
NOTE = """
    INSERT INTO notes VALUES
    ('n-1', 'ZZ-20261121-00001', 'dispatcher', 'key-2', '请核实。', '2026-11-21 05:00:00.000000+00:00')
"""
EVENTS = """
    INSERT INTO events VALUES
    ('ZZ-20261121-00001', 1, '2026-11-21 04:00:00.000000+00:00', 'received', 'agent', 'key-1', NULL, NULL, NULL, NULL,
    '0', NULL, NULL, '{"outage": false}'),
    ('ZZ-20261121-00001', 2, '2026-11-21 05:00:00.000001+00:00', 'dispatched', 'dispatcher', 'key-2', NULL, 'water',
    'dispatch', '2026-11-25 16:00:00.000000+00:00', '1', NULL, 'n-1', '{"assisting": []}')
"""


def _first_tables(connection: Connection) -> None:
    command.upgrade(config(connection), "0001")
    for statement in (CASE.format(n=1, last=2), CASE.format(n=2, last=0), NOTE, EVENTS):
        connection.exec_driver_sql(statement)


async def test_what_an_earlier_ledger_holds_is_sealed_as_it_is_found(blank_url: str) -> None:
    ledger = open_ledger(blank_url)
    await ledger.run(_first_tables)
    upgrade(blank_url)
    assert await verify(ledger) == Findings(cases=2, events=2)
    async with ledger.session() as session:
        sealed = "SELECT count(*) FROM events WHERE sealed IS NOT NULL AND hash IS NOT NULL"
        assert (await session.execute(text(sealed))).scalar_one() == 2

    async def change() -> None:
        async with ledger.session() as session:
            await session.execute(text("UPDATE events SET kind = 'closed'"))

    with pytest.raises(DBAPIError, match="append-only"):
        await change()
    await ledger.close()


async def test_reads_may_outgrow_32_bits(ledger: Ledger) -> None:
    row = "(3000000000, '2026-11-21 04:00:00.000000+00:00', 'ZZ-20261121-00001', 'agent', 'key-1', 'case')"
    async with ledger.session() as session:
        await session.execute(text(f"INSERT INTO reads (id, at, case_number, role, actor_id, what) VALUES {row}"))
        [kept] = (await reads_of(session, "ZZ-20261121-00001", None, 1)).items
    assert kept.id == 3_000_000_000


async def test_sqlite_is_durable_and_strict(ledger: Ledger) -> None:
    if ledger.engine.dialect.name != "sqlite":
        return
    async with ledger.session() as session:
        settings = [
            (await session.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert settings == ["wal", 2, 1, 10_000]
