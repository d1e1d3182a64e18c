"""HTTP calls to outside systems: the same key on every try, and errors told apart by whether trying again helps."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from temporalio.exceptions import ApplicationError

from settings import read_variable

TIMEOUT = aiohttp.ClientTimeout(total=20)
IDLE = 4
"""Seconds that a connection is kept: fewer than servers keep one, or a message may meet it being closed."""
LOOKUPS = 100
"""Names that are looked up at the same time: more than a city has systems."""
LONGEST_RETRY_AFTER = timedelta(days=1)

REFUSALS = frozenset({400, 409, 410, 413, 415, 422})
"""Answers that no repetition changes: they refuse what we say. A wrong key, a moved address and all else that people
can put right are not among them."""

LONGEST_ANSWER = 1_000_000
"""Bytes of an answer; what is longer nobody reads."""


def http_client() -> aiohttp.ClientSession:
    """The client that all activities of a worker share, and threads for its lookups, which become the running loop's.

    Raises RuntimeError outside a running event loop.
    """
    # No limit of connections: those that a party keeps waiting would be missing for all others.
    # Nor, in effect, of names looked up at the same time, each of which holds one of the loop's threads.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(LOOKUPS))
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE)
    # No cookies are kept: one that a party sets would go to all under its domain.
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=TIMEOUT)


def address_of(variable: str | None, whom: str) -> str:
    """The address in an environment variable, without a slash at its end; a retryable failure when it is not set."""
    address = read_variable(variable)
    if address is None:
        raise ApplicationError(f"{variable} is not set, so {whom} cannot be reached", type="no_endpoint")
    return address.rstrip("/")


async def post(client: aiohttp.ClientSession, url: str, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """POST a JSON body under an idempotency key; answers and errors as `ask`."""
    return await ask(client, url, json=body, headers={"Idempotency-Key": key})


async def ask(client: aiohttp.ClientSession, url: str, **request: Any) -> dict[str, Any]:
    """POST and return the JSON object answered; {} for any other answer. `request` and errors as of `ask_for`."""
    async with _doing(client, "POST", url, **request) as response:
        # What was accepted is accepted: an answer we cannot read must not make us say it again for days.
        try:
            answer = await _read(response, json.loads)
        except (aiohttp.ClientError, TimeoutError):
            return {}
    return answer if isinstance(answer, dict) else {}


async def ask_for(
    client: aiohttp.ClientSession, method: str, url: str, read: Callable[[str], Any] = json.loads, **request: Any
) -> Any:
    """What `read` makes of the answer; None for one that it cannot read. `request` is for aiohttp's `request`.

    Raises ApplicationError: retryable for a system that is down, busy, failing or not set up (after its Retry-After, if
    it named one), not retryable where it refuses what we say. Neither carries anything of the body. No redirection is
    followed: what is signed for one address is for nobody else, and a system that redirects has taken nothing.
    """
    async with _doing(client, method, url, **request) as response:
        return await _read(response, read)


@asynccontextmanager
async def _doing(
    client: aiohttp.ClientSession, method: str, url: str, **request: Any
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer, still to be read, of a system that does what we ask. Raises as `ask_for` does."""
    try:
        async with client.request(method, url, allow_redirects=False, **request) as response:
            if not 200 <= response.status < 300:
                raise _failure(response, url)
            yield response
    except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:
        raise ApplicationError(f"{type(error).__name__} at {_shown(url)}", type="unreachable") from None


async def _read(response: aiohttp.ClientResponse, read: Callable[[str], Any]) -> Any:
    body = b""
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LONGEST_ANSWER:
            return None
    try:
        return read(body.decode(response.charset or "utf-8").removeprefix("\ufeff"))
    except (ValueError, LookupError, RecursionError):
        return None


def _failure(response: aiohttp.ClientResponse, url: str) -> ApplicationError:
    again = response.status not in REFUSALS
    return ApplicationError(
        f"HTTP {response.status} from {_shown(url)}",
        type=f"http_{response.status}",
        non_retryable=not again,
        next_retry_delay=_retry_after(response) if again else None,
    )


def _shown(url: str) -> str:
    """An address as it may be shown: without user and password."""
    return re.sub(r"//[^/@]*@", "//", url)


def _retry_after(response: aiohttp.ClientResponse) -> timedelta | None:
    """The pause a system asked for; none, one that is over and one beyond all sense are left to our own back-off."""
    value = response.headers.get("Retry-After", "").strip()
    try:
        # Nine digits are longer than any pause, and thousands of them Python refuses to read.
        pause = timedelta(seconds=int(value[:9])) if _is_number(value) else _until(parsedate_to_datetime(value))
    except (ValueError, OverflowError):
        return None
    return pause if timedelta() < pause <= LONGEST_RETRY_AFTER else None


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _until(date: datetime) -> timedelta:
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) - datetime.now(UTC)
