"""HTTP calls to outside systems: the same key on every try, and errors told apart by whether trying again helps."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
from temporalio.exceptions import ApplicationError

TIMEOUT = aiohttp.ClientTimeout(total=20)
LONGEST_RETRY_AFTER = timedelta(hours=1)


def http_client() -> aiohttp.ClientSession:
    """The client that all activities of a worker share. Raises RuntimeError outside a running event loop."""
    return aiohttp.ClientSession(timeout=TIMEOUT)


async def post(client: aiohttp.ClientSession, url: str, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """POST a JSON body under an idempotency key; answers and errors as `ask`."""
    return await ask(client, url, json=body, headers={"Idempotency-Key": key})


async def ask(client: aiohttp.ClientSession, url: str, **request: Any) -> dict[str, Any]:
    """POST and return the JSON object answered; {} for any other answer. `request` is for aiohttp's `post`.

    Raises ApplicationError: retryable for a system that is down, busy or failing (after its Retry-After, if it named
    one), not retryable where it refuses what we say. Neither carries anything of the body.
    """
    try:
        async with client.post(url, **request) as response:
            if response.ok:
                return await _object(response)
            raise _failure(response, url)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ApplicationError(f"{type(error).__name__} at {url}", type="unreachable") from None


async def _object(response: aiohttp.ClientResponse) -> dict[str, Any]:
    # What was accepted is accepted: an answer we cannot read must not make us say it again for days.
    try:
        answer = await response.json(content_type=None)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _failure(response: aiohttp.ClientResponse, url: str) -> ApplicationError:
    again = response.status >= 500 or response.status in (408, 425, 429)
    return ApplicationError(
        f"HTTP {response.status} from {url}",
        type=f"http_{response.status}",
        non_retryable=not again,
        next_retry_delay=_retry_after(response) if again else None,
    )


def _retry_after(response: aiohttp.ClientResponse) -> timedelta | None:
    """The pause a system asked for, in seconds; a date or nonsense is left to our own back-off."""
    value = response.headers.get("Retry-After", "")
    return min(timedelta(seconds=int(value)), LONGEST_RETRY_AFTER) if value.isascii() and value.isdigit() else None
