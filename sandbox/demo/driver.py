"""How the demonstration acts: people through the API, units through their own systems, time through the engine."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx2
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_fixed

from domain.city import City
from domain.deadlines import rung_at
from sandbox.demo.timers import fired
from sandbox.jiesu import Via
from sandbox.prepare import staff_keys_file
from sandbox.system import environment, temporal_address
from settings import Settings
from temporal.connection import connect_patiently
from temporal.keyring import open_keyring

PATIENCE = 90.0
"""Seconds for which whatever does not answer is asked again: a process that was killed is back well before."""
PAUSE = 0.25
CLOCK_TOLERANCE = timedelta(seconds=2)
CODE = re.compile(r"(?<!\d)\d{8}(?!\d)")

Say = Callable[[str], None]
Hear = Callable[[httpx2.Response], Awaitable[None]]
Answer = TypeVar("Answer")


class Unexpected(Exception):
    """Something answered otherwise than the story says."""


@dataclass
class Case:
    """A case of the demonstration, whose it is, and what the dispatch catalog suggested for it."""

    number: str
    phone: str
    suggestion: dict[str, Any] | None
    say: Say
    event: int = 0
    """The last event that an answer has told of."""


class Driver:
    """Acts for everybody. Every request carries an idempotency key and is repeated until somebody answers it."""

    def __init__(self, settings: Settings, city: City, client: Client, hear: Hear | None = None) -> None:
        self._api = f"http://{settings.host}:{settings.api_port}"
        self._sandbox = f"http://{settings.host}:{settings.sandbox_port}"
        self._keys: dict[str, str] = json.loads(staff_keys_file(settings).read_text(encoding="utf-8"))
        self._addresses = environment(settings)
        self._city = city
        self._http = httpx2.AsyncClient(timeout=30, trust_env=False, event_hooks={"response": [hear] if hear else []})
        self._client, self._skipper = client, TimeSkipper(client)

    @classmethod
    async def open(cls, settings: Settings, city: City, hear: Hear | None = None) -> Self:
        """A driver connected to the stack of `settings`; `hear` is awaited with every HTTP answer it gets."""
        address = {"TEMPORAL_ADDRESS": temporal_address(settings)}
        return cls(settings, city, await connect_patiently(open_keyring(settings), address), hear)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # --- people -------------------------------------------------------------------------------------------------------

    async def submit(self, role: str, request: dict[str, Any], say: Say) -> Case:
        """Submit a request by its channel."""
        accepted = await self._ask("POST", f"{self._api}/cases", 201, role=role, body=request)
        suggestions = accepted["suggestions"]
        return Case(accepted["number"], request["phone"], suggestions[0] if suggestions else None, say)

    async def step(self, case: Case, role: str, step: str, **body: Any) -> None:
        """A member of staff takes a step, or the citizen, with the code that they were texted."""
        shown = {"code": await self._code(case)} if role == "citizen" else {"role": role}
        taken = await self._ask("POST", f"{self._api}/cases/{case.number}/{step}", 200, body=body, **shown)
        case.event = taken["event"]
        case.say(f"{role}: {step}")

    async def _code(self, case: Case) -> str:
        codes: list[str] = []

        async def texted() -> bool:
            url = f"{self._addresses['JIESU_ENDPOINT_SMS']}/messages?phone={case.phone}"
            texts = [entry["text"] for entry in await self._ask("GET", url, 200) if case.number in entry["text"]]
            codes.extend(code for text in texts for code in CODE.findall(text.replace(case.number, "")))
            return bool(codes)

        await _until(texted, f"no code has been texted for {case.number}")
        return codes[0]

    async def refused(self, case: Case, unit: str, step: str, code: str, **body: Any) -> None:
        """A unit tries a step that a rule stands against."""
        await self._order_arrived(case, unit)
        problem = await self._press(case, unit, step, body, 409)
        if problem["code"] != code:
            raise Unexpected(f"{unit}: {step} was refused as {problem['code']}, not {code}")
        case.say(f"{unit}: {step} refused: {problem['detail']}")

    async def dispatch(self, case: Case, **body: Any) -> None:
        """The dispatcher follows the catalog's suggestion, unless told otherwise."""
        suggestion = case.suggestion or {}
        usual = {"lead": suggestion.get("lead"), "assisting": suggestion.get("assisting", [])}
        await self.step(case, "dispatcher", "dispatch", **(usual | body))

    # --- units --------------------------------------------------------------------------------------------------------

    async def unit(self, case: Case, unit: str, step: str, **body: Any) -> None:
        """A unit's clerk presses a button in the unit's own system, once the order has arrived there."""
        await self._order_arrived(case, unit)
        taken = await self._press(case, unit, step, body, 200)
        case.event = taken["event"]
        case.say(f"{unit}: {step}")

    async def report(self, case: Case, unit: str, step: str, **body: Any) -> None:
        """The same, told to Jiesu by signed webhook."""
        await self._order_arrived(case, unit)
        await self._press(case, unit, step, body, 200, via="webhook")
        case.say(f"{unit}: {step}, by webhook")

    async def partner(self, case: Case, code: str, step: str, **body: Any) -> None:
        """Somebody at another hotline presses a button there, once the transfer has arrived; Jiesu gets a webhook."""
        office = f"{self._addresses['JIESU_ENDPOINT_OFFICE']}/partners"

        async def arrived() -> bool:
            return bool(await self._ask("GET", f"{office}/{code}/transfers?case={case.number}", 200))

        await _until(arrived, f"{code} has not received {case.number}")
        await self._ask("POST", f"{office}/{code}/transfers/{case.number}/steps/{step}", 200, body=body)
        case.say(f"{code}: {step}")

    async def _press(
        self, case: Case, unit: str, step: str, body: dict[str, Any], wanted: int, via: Via = "api"
    ) -> dict[str, Any]:
        url = f"{self._system(unit)}/orders/{case.number}/steps/{step}?unit={unit}&via={via}"
        answer: dict[str, Any] = await self._ask("POST", url, wanted, body=body)
        return answer

    async def _order_arrived(self, case: Case, unit: str) -> None:
        async def arrived() -> bool:
            url = f"{self._system(unit)}/orders?case={case.number}&unit={unit}"
            orders: list[dict[str, Any]] = await self._ask("GET", url, 200)
            return any(order["kind"] == "dispatch" for order in orders)

        await _until(arrived, f"{unit} has not received {case.number}")

    def _system(self, unit: str) -> str:
        return self._addresses[self._city.units[unit].endpoint or ""]

    async def fault(self, party: str, kind: str, **more: Any) -> None:
        """Switch a fault of the sandbox city."""
        await self._ask("PUT", f"{self._sandbox}/faults/{party}", 200, body={"kind": kind, **more})

    # --- time ---------------------------------------------------------------------------------------------------------

    async def wait(self, case: Case, **duration: float) -> None:
        """Let time pass for this case: `hours=3`, `days=1` …"""
        handle = self._client.get_workflow_handle(case.number)
        start = await _patiently(lambda: self._skipper.get_current_time(handle))
        await self._pass(case, handle, start + timedelta(**duration))

    async def wait_past_due(self, case: Case, working_days: int = 0, **more: float) -> None:
        """Let the nearest limit pass, the rungs up to that many working days after it, and some more time."""

        async def running() -> bool:
            # The ledger may be behind while processes are killed, and tell a limit that no longer stands.
            return await self._last_event(case) >= case.event and (await self.read(case))["due"] is not None

        await _until(running, f"no limit runs for {case.number}")
        due = datetime.fromisoformat((await self.read(case))["due"])
        rung = rung_at(due, working_days, self._city.rulebook.days, self._city.calendar)
        handle = self._client.get_workflow_handle(case.number)
        await self._pass(case, handle, rung + timedelta(**more))

    async def _pass(self, case: Case, handle: WorkflowHandle[Any, Any], until: datetime) -> None:
        """Move the case's own clock on; asked again by the clock it shows, so a killed server skips nothing twice."""

        async def passed() -> bool:
            now = await self._skipper.get_current_time(handle)
            if until - now <= CLOCK_TOLERANCE:
                return True
            return await fired(handle, now) and not await self._skipper.fast_forward(handle, until - now)

        await _until(passed, f"time does not pass for {case.number}")
        case.say(f"time passes … {until.astimezone(self._city.zone):%Y-%m-%d %H:%M}")

    # --- reading ------------------------------------------------------------------------------------------------------

    async def read(self, case: Case) -> dict[str, Any]:
        """The case as it stands."""
        found: dict[str, Any] = await self._ask("GET", f"{self._api}/cases/{case.number}", 200, role="inspector")
        return found

    async def timeline(self, case: Case) -> dict[str, Any]:
        """Everything that happened, once nothing is on its way any more."""

        async def settled() -> bool:
            closed = (await self.read(case))["closed_at"] is not None
            description = await self._client.get_workflow_handle(case.number).describe()
            return closed and description.close_time is not None

        await _until(settled, f"{case.number} does not end")
        return await self._timeline(case)

    async def _last_event(self, case: Case) -> int:
        events = (await self._timeline(case))["events"]
        return int(events[-1]["n"]) if events else 0

    async def _timeline(self, case: Case) -> dict[str, Any]:
        url = f"{self._api}/cases/{case.number}/timeline"
        found: dict[str, Any] = await self._ask("GET", url, 200, role="inspector")
        return found

    async def _ask(
        self,
        method: str,
        url: str,
        wanted: int,
        *,
        role: str | None = None,
        code: str | None = None,
        body: dict[str, Any] | None = None,
    ) -> Any:
        headers = {"Idempotency-Key": str(uuid4())}
        if role:
            headers["Authorization"] = f"Bearer {self._keys[role]}"
        if code:
            headers["Case-Code"] = code

        async def once() -> httpx2.Response:
            response = await self._http.request(method, url, json=body, headers=headers)
            if response.status_code in (429, 502, 503, 504):
                raise _Busy
            return response

        response = await _patiently(once)
        if response.status_code != wanted and not (wanted == 201 and response.status_code == 200):
            raise Unexpected(f"{method} {url}: {response.status_code} {response.text[:300]}")
        return response.json()


class _Busy(Exception):
    pass


def _may_pass(error: BaseException) -> bool:
    """Whether what did not answer may do so when it is asked again."""
    if isinstance(error, RPCError):
        # A case accepted while the engine was down is not there yet; a completed one never comes back.
        return error.status is not RPCStatusCode.NOT_FOUND or "completed" not in error.message
    return isinstance(error, _Busy | httpx2.TransportError | RuntimeError)


async def _patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    again = retry_if_exception(_may_pass)
    async for attempt in AsyncRetrying(
        retry=again, stop=stop_after_delay(PATIENCE), wait=wait_fixed(PAUSE), reraise=True
    ):
        with attempt:
            return await ask()
    raise AssertionError("the last attempt raises")


async def _until(done: Callable[[], Awaitable[bool]], complaint: str) -> None:
    end = time.monotonic() + PATIENCE
    while not await _patiently(done):
        if time.monotonic() > end:
            raise Unexpected(complaint)
        await asyncio.sleep(PAUSE)
