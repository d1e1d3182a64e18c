"""HTTP calls to outside systems: the same key on every try, and errors told apart by whether trying again helps."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx2
from temporalio.exceptions import ApplicationError

TIMEOUT_SECONDS = 20.0
LONGEST_RETRY_AFTER = timedelta(hours=1)


def http_client() -> httpx2.AsyncClient:
    """The client that all activities of a worker share."""
    return httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)


async def post(client: httpx2.AsyncClient, url: str, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """POST a JSON body under an idempotency key and return the JSON object it is answered with; {} for any other answer.

    Raises ApplicationError: retryable for a system that is down, busy or failing (after its Retry-After, if it named
    one), not retryable where it refuses what we say. Neither carries anything of the body.
    """
    try:
        response = await client.post(url, json=body, headers={"Idempotency-Key": key})
    except (httpx2.RequestError, httpx2.InvalidURL) as error:
        raise ApplicationError(f"{type(error).__name__} at {url}", type="unreachable") from None
    if response.is_success:
        return _object(response)
    again = response.status_code >= 500 or response.status_code in (408, 425, 429)
    raise ApplicationError(
        f"HTTP {response.status_code} from {url}",
        type=f"http_{response.status_code}",
        non_retryable=not again,
        next_retry_delay=_retry_after(response) if again else None,
    )


def _object(response: httpx2.Response) -> dict[str, Any]:
    # What was accepted is accepted: an answer we cannot read must not make us say it again for days.
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _retry_after(response: httpx2.Response) -> timedelta | None:
    """The pause a system asked for, in seconds; a date or nonsense is left to our own back-off."""
    value = response.headers.get("Retry-After", "")
    return min(timedelta(seconds=int(value)), LONGEST_RETRY_AFTER) if value.isascii() and value.isdigit() else None
