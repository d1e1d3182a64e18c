"""Texts to citizens: each goes out once, at an hour at which people may be texted, and not too many a day."""

from datetime import datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.delivery import deliver
from activities.platforms import Platform
from activities.sms import wording
from activities.sms.clock import now
from activities.sms.port import BAD_NUMBER, Gateway, Text
from activities.systems import Failures
from activities.told import what_is_told
from domain.city import City
from domain.effects import TELL, Effect, Party
from domain.phones import mobile
from domain.sms import day_begins
from domain.systems import SMS_GATEWAY
from ledger.database import Ledger
from ledger.receipts import mark_unreachable
from ledger.texting import Admission, admit
from ledger.told import Told


class Sms:
    """Texts citizens."""

    def __init__(self, ledger: Ledger, city: City, gateway: Gateway, failures: Failures) -> None:
        self._ledger, self._city, self._gateway = ledger, city, gateway
        self._platform = Platform(SMS_GATEWAY, failures)

    @activity.defn(name=TELL[Party.CITIZEN])
    async def text(self, effect: Effect) -> None:
        """Send one text, or leave it to the morning round. Nobody to text is no failure, nor is a landline.

        The ledger's row of the message is there before the gateway is asked, and says afterwards that it was sent: what
        is sent is never sent again. A crash between the gateway's yes and our note of it leaves it to the adapter to
        know a repetition; each says in its own words how well it does.

        A text that must wait is done with as far as the case is concerned: its lane is free, its workflow may end.
        """
        told = await what_is_told(self._ledger, effect)
        if not told.phone or "no_contact" in told.marks:
            return
        phone = mobile(told.phone)
        if phone is None:
            await self._ledger.run(mark_unreachable, effect.case, now())
            return
        copy = wording.copy(self._city, effect, told)
        admission = await self._admit(effect, told, copy)
        if admission == "over":
            return
        words, values = wording.filled(self._city, effect, told)
        text = Text(effect.key, phone, effect.kind, words, values, again=admission == "again")

        async def send() -> dict[str, Any]:
            return {"reference": await self._gateway.send(text)}

        try:
            await deliver(self._ledger, effect, copy, lambda: self._platform.tell(send))
        except ApplicationError as error:
            if error.type == BAD_NUMBER:
                await self._ledger.run(mark_unreachable, effect.case, now())
            raise

    async def _admit(self, effect: Effect, told: Told, copy: str) -> Admission:
        rules, zone, at = self._city.sms, self._city.zone, now()

        def waits_until(sent_today: int) -> datetime | None:
            # 大面积停水停电停气停热: an emergency wakes people.
            return None if told.outage else rules.waits_until(at, zone, sent_today)

        return await self._ledger.run(
            admit, effect, phone=told.phone, copy=copy, at=at, today=day_begins(at, zone), waits_until=waits_until
        )
