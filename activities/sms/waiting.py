"""Texts that had to wait, for the end of the night or for the next day: all that waits for a number is one text."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row
from temporalio.exceptions import ApplicationError

from activities.delivery import usable
from activities.platforms import Platform
from activities.sms import wording
from activities.sms.clock import now
from activities.sms.port import BAD_NUMBER, Gateway, Text
from activities.systems import Failures
from activities.told import what_is_told
from domain.city import City
from domain.effects import Effect, Party
from domain.rulebook import pause
from domain.sms import day_begins
from domain.systems import SMS_GATEWAY
from ledger.database import LEDGER_ERRORS, Ledger
from ledger.texting import Group, hold_on, not_sent, sent, take, waiting
from ledger.told import Told

log = logging.getLogger("jiesu.activities")

BATCH = 100
"""Texts tried at once: few enough that a turn of the sweep soon ends, though the gateway hangs."""
TAKEN = timedelta(minutes=2)
"""Longer than any gateway takes to answer: after that whoever took a text is dead."""
A_NIGHT = timedelta(days=1)
"""What a text may have waited before its first try."""


class Waiting:
    """Sends what has waited long enough; the sweep has it do so every few seconds."""

    def __init__(self, ledger: Ledger, city: City, gateway: Gateway, failures: Failures) -> None:
        self._ledger, self._city, self._gateway = ledger, city, gateway
        self._platform = Platform(SMS_GATEWAY, failures)

    async def send_due(self) -> int:
        """Try every text whose time has come, and return how many are sent; at night none, whatever came between.

        Nobody else tries it meanwhile, and a crash leaves it to a later turn, under the same key and with the same
        companions. Raises LEDGER_ERRORS when the ledger does not answer.
        """
        at = now()
        if self._city.sms.waits_until(at, self._city.zone, 0) is not None:
            return 0
        groups = await self._ledger.run(waiting, at, BATCH)
        return sum(await asyncio.gather(*(self._try(group) for group in groups)))

    async def _try(self, group: Group) -> int:
        try:
            return await self._send(group)
        except LEDGER_ERRORS:
            raise
        except Exception as error:
            # One text that nobody foresaw must not keep all others waiting.
            log.error("%d texts that waited were left to a later turn: %s", len(group.rows), type(error).__name__)
            await self._put_off(group.rows, ApplicationError("unforeseen", type="unforeseen"))
            return 0

    async def _send(self, group: Group) -> int:
        rows, told = list(group.rows), [await what_is_told(self._ledger, _effect(row)) for row in group.rows]
        if rows[0].phone is None:
            await self._ledger.run(not_sent, [row.key for row in rows], "no_phone", now(), None, False)
            return 0
        text, count = self._compose(rows, told, group.joined)
        keys, at = [row.key for row in rows[:count]], now()
        if not group.joined and await self._over(keys, rows[0].phone, at):
            return 0
        if not await self._ledger.run(take, keys, at, at + TAKEN):
            return 0
        try:
            reference = await self._platform.ask(lambda: self._gateway.send(text))
        except ApplicationError as error:
            await self._put_off(rows[:count], error)
            return 0
        await self._ledger.run(sent, keys, usable(reference), now())
        return count

    async def _over(self, keys: list[str], phone: str, at: datetime) -> bool:
        """Whether the number has had its texts of this day, so that these wait for the next."""
        zone = self._city.zone
        until = partial(self._city.sms.waits_until, at, zone)
        return await self._ledger.run(hold_on, keys, phone=phone, today=day_begins(at, zone), waits_until=until)

    def _compose(self, rows: Sequence[Row[Any]], told: Sequence[Told], joined: bool) -> tuple[Text, int]:
        """One text alone as it is, several as one, as far as they fit; those once joined say the same again."""
        first = _effect(rows[0])
        briefs = [wording.brief(self._city, _effect(row), one) for row, one in zip(rows, told, strict=True)]
        count = self._city.sms.join(briefs, self._gateway.longest_value)[1]
        if count == 1:
            words, values = wording.filled(self._city, first, told[0])
            return Text(first.key, rows[0].phone, first.kind, words, values, again=joined), 1
        by_number = sorted(zip(rows[:count], briefs, strict=False), key=lambda one: one[0].case_number)
        news, _ = self._city.sms.join([brief for _, brief in by_number])
        words = self._city.sms.merged.replace("{news}", news)
        return Text(first.key, rows[0].phone, "merged", words, {"news": news}, again=joined), count

    async def _put_off(self, rows: Sequence[Row[Any]], error: ApplicationError) -> None:
        rules, at = self._city.rulebook.effects, now()
        wait = error.next_retry_delay or pause(rules.longest_pause)
        over = at - rows[0].created_at > pause(rules.give_up_after) + A_NIGHT
        again_at: datetime | None = None if error.non_retryable or over else at + wait
        if again_at is None:
            log.error("%d texts that waited could not be sent: %s", len(rows), error.type)
        keys = [row.key for row in rows]
        await self._ledger.run(not_sent, keys, error.type or "failed", at, again_at, error.type == BAD_NUMBER)


def _effect(row: Row[Any]) -> Effect:
    return Effect(key=row.key, case=row.case_number, event=row.event, party=Party.CITIZEN, kind=row.template)
