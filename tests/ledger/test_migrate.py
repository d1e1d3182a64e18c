from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from ledger.database import Ledger, open_ledger
from ledger.migrate import upgrade


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
        assert versions.scalars().all() == ["0002"]
        assert (await session.execute(text("SELECT count(*) FROM cases"))).scalar_one() == 0
    await ledger.close()


async def test_sqlite_is_durable_and_strict(ledger: Ledger) -> None:
    if ledger.engine.dialect.name != "sqlite":
        return
    async with ledger.session() as session:
        settings = [
            (await session.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert settings == ["wal", 2, 1, 10_000]
