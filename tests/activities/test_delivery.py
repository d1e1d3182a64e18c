"""What is noted of a message that was sent, whatever its receiver answers and however its sending fails."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, RowMapping, select
from temporalio.exceptions import ApplicationError

from activities.delivery import deliver
from domain.effects import Effect, Party
from domain.roles import Role
from ledger.database import Ledger
from ledger.intake import Intake, open_case
from ledger.tables import MESSAGES


@pytest.fixture
async def order(ledger: Ledger) -> Effect:
    intake = Intake(
        received_at=datetime.now(UTC), channel="phone", title="漏水", text="漏水", category="help",
        opened_role=Role.AGENT, opened_id="agent-1", rulebook_version="1",
    )  # fmt: skip
    row, _ = await ledger.run(open_case, "ZZ", intake, date(2026, 11, 21))
    return Effect(key="key-1", case=row.number, event=1, party=Party.UNIT, kind="dispatch", unit="zz-water")


def noted(connection: Connection) -> RowMapping:
    return connection.execute(select(MESSAGES)).mappings().one()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("W-7", "W-7"),
        (7, "7"),
        ("a\x00b", None),
        ("a\ud800b", None),
        ({"x": 1}, None),
        (None, None),
        ("", None),
        ("x" * 3_000_000, None),
    ],
)
async def test_what_was_taken_is_taken_whatever_reference_it_got(
    ledger: Ledger, order: Effect, given: Any, kept: str | None
) -> None:
    async def send() -> dict[str, Any]:
        return {"reference": given}

    await deliver(ledger, order, "", send)
    row = await ledger.run(noted)
    assert (row["status"], row["reference"]) == ("sent", kept)


@pytest.mark.parametrize("error", [LookupError("13812345678"), OverflowError(), RecursionError(), TypeError()])
async def test_a_failure_that_nobody_foresaw_is_noted_and_tried_again(
    ledger: Ledger, order: Effect, error: Exception
) -> None:
    async def send() -> dict[str, Any]:
        raise error

    with pytest.raises(ApplicationError) as failed:
        await deliver(ledger, order, "", send)
    row = await ledger.run(noted)
    assert (row["status"], row["error"]) == ("sending", type(error).__name__)
    assert (failed.value.type, failed.value.non_retryable) == (type(error).__name__, False)
    assert "138" not in str(failed.value)
