"""How a unit's own system calls Jiesu when its clerk presses a button."""

import json
import logging
import os
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import httpx2

from sandbox.secrets import variable_of
from settings import read_webhook, sign

LIMIT = 10_000

TYPES = {
    "sign-in": "order.signed_in",
    "give-opinion": "order.opinion",
    "report-progress": "order.progress",
    "record-visit": "order.visited",
    "submit-result": "order.result",
    "request-return": "order.return_requested",
    "request-extension": "order.extension_requested",
    "request-suspension": "order.suspension_requested",
}
"""Button → type of the webhook that tells of it."""

Via = Literal["api", "webhook"]
"""With the unit's key in the API, or by a webhook signed with the secret of its system."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What came back: Jiesu's own answer, or a problem of ours when there was none."""

    status: int
    content: bytes
    media_type: str


@dataclass(frozen=True)
class Call:
    """One press of a button, and the status of each time it was sent."""

    case: str
    step: str
    unit: str
    key: str
    via: Via = "api"
    statuses: list[int] = field(default_factory=list)
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())


class Jiesu:
    """Calls Jiesu's API at `JIESU_API_URL` with the keys of the units in the file `JIESU_SANDBOX_KEYS`."""

    def __init__(self) -> None:
        self._client = httpx2.AsyncClient(trust_env=False, timeout=30)
        self._calls: dict[str, deque[Call]] = {}

    def calls(self, party: str) -> deque[Call]:
        """The party's calls, oldest first; beyond a limit the oldest is forgotten."""
        return self._calls.setdefault(party, deque(maxlen=LIMIT))

    async def step(
        self,
        party: str,
        *,
        case: str,
        step: str,
        unit: str,
        body: dict[str, Any],
        key: str,
        repeat: int = 1,
        via: Via = "api",
    ) -> Answer:
        """Ask Jiesu for `step` in the name of `unit`, sending it `repeat` times; returns the first answer."""
        call = Call(case=case, step=step, unit=unit, key=key, via=via)
        self.calls(party).append(call)
        answers = [await self._send(party, call, body) for _ in range(repeat)]
        call.statuses.extend(answer.status for answer in answers)
        return answers[0]

    async def _send(self, party: str, call: Call, body: dict[str, Any]) -> Answer:
        request = _webhook(party, call, body) if call.via == "webhook" else _step(call, body)
        if request is None:
            return _problem(503, "no-key", f"The sandbox has no key for unit {call.unit} yet.")
        path, content, headers = request
        url = os.environ.get("JIESU_API_URL", "http://127.0.0.1:8000") + path
        try:
            response = await self._client.post(
                url, content=content, headers={"Content-Type": "application/json", **headers}
            )
        except httpx2.ConnectError:
            return _problem(503, "jiesu-unreachable", "Jiesu cannot be reached; try again later.")
        except httpx2.TransportError as error:
            log.warning("call to Jiesu broke off: %s", type(error).__name__)
            return _problem(502, "jiesu-broke-off", "Jiesu did not answer in full; repeat with the same key.")
        return Answer(response.status_code, response.content, response.headers.get("content-type", "application/json"))

    async def close(self) -> None:
        """Close the connections to Jiesu."""
        await self._client.aclose()


Request = tuple[str, str, dict[str, str]]
"""Path, content and headers."""


def _step(call: Call, body: dict[str, Any]) -> Request | None:
    """The step as people take it; None without a key."""
    secret = _secret(call.unit)
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": call.key}
    return (f"/cases/{call.case}/{call.step}", json.dumps(body), headers) if secret else None


def _webhook(party: str, call: Call, body: dict[str, Any]) -> Request | None:
    """The step as the party's system reports it, signed as Standard Webhooks prescribe; None without a secret."""
    webhook, at = read_webhook(variable_of(party)), datetime.now(UTC)
    if webhook is None or call.step not in TYPES:
        return None
    message = {"type": TYPES[call.step], "timestamp": at.isoformat(), "data": {"case": call.case, **body}}
    content = json.dumps(message)
    return f"/webhooks/units/{call.unit}", content, sign(webhook, call.key, content, at)


def _secret(unit: str) -> str | None:
    path = Path(os.environ.get("JIESU_SANDBOX_KEYS", ""))
    if not path.is_file():
        return None
    keys: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return keys.get(unit)


def _problem(status: int, code: str, detail: str) -> Answer:
    content = {"type": f"urn:jiesu:sandbox:{code}", "title": code, "status": status, "detail": detail, "code": code}
    return Answer(status, json.dumps(content).encode(), "application/problem+json")
