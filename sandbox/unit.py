"""The system of a handling unit: it receives orders, and its clerk answers them through Jiesu's API."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import Body, FastAPI, Header, Path, Request, Response
from pydantic import BaseModel

from sandbox.faults import Faults, FaultSwitch
from sandbox.inbox import Entry, Inbox
from sandbox.jiesu import Jiesu, Via
from sandbox.open311 import create_open311
from sandbox.signatures import check_signature


class Contact(BaseModel):
    """Whom the unit may ring, unless they asked that it be withheld."""

    name: str | None = None
    phone: str | None = None
    withheld: bool = False


class Crew(BaseModel):
    """The unit's own people whose area it is in."""

    code: str
    kind: str
    name: str
    phone: str | None = None
    grids: list[str]


class Promise(BaseModel):
    """What the unit itself has promised of an order."""

    code: str
    name: str
    due: datetime | None


class Order(BaseModel):
    """What the hotline sends to a unit."""

    case: str
    kind: Literal["dispatch", "rework", "recall", "notice"]
    notice: str | None = None
    role: Literal["lead", "assisting"] | None = None
    unit: str
    category: str
    item: str | None = None
    due: datetime | None = None
    title: str | None = None
    text: str | None = None
    address: str | None = None
    contact: Contact | None = None
    grid: str | None = None
    crews: list[Crew] = []
    commitments: list[Promise] = []
    home_visit: bool = False
    vulnerable: list[str] = []


class Receipt(BaseModel):
    """The unit's own reference for an order."""

    reference: str
    received: bool = True


Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=255)]
Segment = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


def create_unit(title: str, party: str, faults: Faults, jiesu: Jiesu) -> FastAPI:
    """The system of one unit, or of all units that share one; `title` is its name, `party` its switch for faults."""
    app = FastAPI(title=title)
    app.add_middleware(FaultSwitch, faults=faults, party=party)
    app.include_router(create_open311(party))
    inbox = Inbox()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "party": party}

    @app.post("/orders", status_code=201)
    async def receive(order: Order, key: Key, request: Request, response: Response) -> Receipt:
        """Take a signed order; the same key again answers 200 with the same receipt."""
        await check_signature(request, party, key)
        entry, new = inbox.receive(key, order.model_dump(mode="json"))
        if not new:
            response.status_code = 200
        return Receipt(reference=entry["reference"])

    @app.get("/orders")
    async def orders(case: str | None = None, unit: str | None = None) -> list[Entry]:
        """Orders received, oldest first, with their keys and how often each arrived."""
        return inbox.entries(case=case, unit=unit)

    @app.post("/orders/{case}/steps/{step}")
    async def press(
        case: Segment,
        step: Segment,
        unit: str,
        body: Annotated[dict[str, Any] | None, Body()] = None,
        key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)] = None,
        via: Via = "api",
    ) -> Response:
        """The clerk of `unit` presses a button: ask Jiesu for the step, or report it, and pass on what it says."""
        repeat = 2 if faults.take(party, "duplicate") else 1
        key = key or str(uuid4())
        answer = await jiesu.step(
            party, case=case, step=step, unit=unit, body=body or {}, key=key, repeat=repeat, via=via
        )
        return Response(answer.content, answer.status, media_type=answer.media_type)

    @app.get("/calls")
    async def calls() -> list[dict[str, Any]]:
        """Calls made to Jiesu, oldest first, with the status of each time one was sent."""
        return [asdict(call) for call in jiesu.calls(party)]

    return app
