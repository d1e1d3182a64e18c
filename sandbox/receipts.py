"""Receipts of the sandbox's SMS gateways, pushed to Jiesu a moment after they took a text."""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

import httpx2

from sandbox.faults import Faults

MOMENT = 0.3
"""Seconds from the text to its receipt."""
PAUSES = (1, 5, 30)
"""Seconds before a receipt that Jiesu did not take is pushed again."""

log = logging.getLogger(__name__)


class Receipts:
    """Tells Jiesu's API at `JIESU_API_URL` what became of each text, if `JIESU_SMS_RECEIPT_TOKEN` is set.

    Texts arrive, unless the gateway's fault is `undelivered`. With `late` the receipt takes the fault's `seconds`;
    with `disordered` it is followed by an older one that says the contrary.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._client = httpx2.AsyncClient(trust_env=False, timeout=10)
        self._pushing: set[asyncio.Task[None]] = set()

    def push(self, gateway: str, words: Callable[[bool], Any]) -> None:
        """Push the receipt of a text soon; `words` puts it as the gateway does, for one that arrived or did not."""
        if token := os.environ.get("JIESU_SMS_RECEIPT_TOKEN"):
            task = asyncio.create_task(self._push(gateway, token, words))
            self._pushing.add(task)
            task.add_done_callback(self._pushing.discard)

    async def close(self) -> None:
        """Drop the receipts that are on their way."""
        for task in self._pushing:
            task.cancel()
        await asyncio.gather(*self._pushing, return_exceptions=True)
        await self._client.aclose()

    async def _push(self, gateway: str, token: str, words: Callable[[bool], Any]) -> None:
        fault = self._faults.take("sms", "undelivered", "late", "disordered")
        kind = fault.kind if fault else "none"
        await asyncio.sleep(fault.seconds if fault and kind == "late" else MOMENT)
        for arrived in {"undelivered": (False,), "disordered": (True, False)}.get(kind, (True,)):
            await self._send(gateway, token, words(arrived))

    async def _send(self, gateway: str, token: str, body: Any) -> None:
        url = f"{os.environ.get('JIESU_API_URL', 'http://127.0.0.1:8000')}/sms/receipts/{gateway}"
        for pause in (*PAUSES, None):
            try:
                answer = await self._client.post(url, headers={"Authorization": f"Bearer {token}"}, json=body)
                if answer.is_success:
                    return
                log.warning("Jiesu took no receipt: %d", answer.status_code)
            except httpx2.TransportError as error:
                log.warning("Jiesu took no receipt: %s", type(error).__name__)
            if pause is not None:
                await asyncio.sleep(pause)
