"""The recorded load: what was asked over HTTP, under which key, and what was answered."""

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import httpx2

STEP = re.compile(
    r"/(?:cases/(?P<case>[^/]+)|(?:orders|partners/[^/]+/transfers)/(?P<order>[^/]+)/steps)/(?P<step>[^/]+)"
)
RETRY_AFTER = "Retry-After"


@dataclass(frozen=True)
class Exchange:
    """A POST and its answer. Sending `request` again is the same request under the same key."""

    request: httpx2.Request
    answer: dict[str, Any]

    @property
    def body(self) -> dict[str, Any]:
        """What was asked for."""
        body: dict[str, Any] = json.loads(self.request.content)
        return body


@dataclass(frozen=True)
class Step(Exchange):
    """A step that was taken."""

    name: str

    @property
    def unit(self) -> str | None:
        """The unit through whose own system it was taken."""
        unit: str | None = self.request.url.params.get("unit")
        return unit


class Record:
    """Everything the API answered: requests accepted and steps taken by case number, in order."""

    def __init__(self, api: str) -> None:
        self._api = httpx2.URL(api)
        self.statuses: Counter[int] = Counter()
        self.accepted: dict[str, Exchange] = {}
        self.steps: defaultdict[str, list[Step]] = defaultdict(list)
        self.faults: list[str] = []

    async def hear(self, response: httpx2.Response) -> None:
        """Note one answer; one that no caller should get is a fault."""
        await response.aread()
        request = response.request
        self.statuses[response.status_code] += 1
        self._judge(response)
        if request.method != "POST" or not response.is_success:
            return
        step = STEP.fullmatch(request.url.path)
        if step is not None:
            taken = Step(request, response.json(), step["step"])
            self.steps[step["case"] or step["order"]].append(taken)
        elif request.url.path == "/cases":
            answer = response.json()
            self.accepted[answer["number"]] = Exchange(request, answer)

    def _judge(self, response: httpx2.Response) -> None:
        where = f"{response.request.method} {response.request.url.path}: {response.status_code}"
        if response.status_code == 500:
            self.faults.append(where)
        ours = response.request.url.port == self._api.port
        if ours and response.status_code == 503 and RETRY_AFTER not in response.headers:
            self.faults.append(f"{where} without {RETRY_AFTER}")
