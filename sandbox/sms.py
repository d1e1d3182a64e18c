"""The SMS gateway: every text it accepts would reach a citizen's phone. It speaks as three gateways do."""

from functools import partial
from typing import Literal

from fastapi import FastAPI, Response
from pydantic import BaseModel

from sandbox.aliyun import create_aliyun
from sandbox.faults import Faults, FaultSwitch
from sandbox.inbox import Entry, Inbox
from sandbox.mas import create_mas
from sandbox.receipts import Receipts
from sandbox.unit import Key


class Text(BaseModel):
    """One text to one phone."""

    phone: str
    text: str


class Accepted(BaseModel):
    """The gateway's own number for a text."""

    id: str
    status: Literal["accepted"] = "accepted"


def create_sms(faults: Faults, receipts: Receipts) -> FastAPI:
    """The gateway through which the hotline texts citizens."""
    app = FastAPI(title="短信网关")
    app.add_middleware(FaultSwitch, faults=faults, party="sms", repeats=True)
    inbox = Inbox()
    app.include_router(create_aliyun(inbox, receipts))
    app.include_router(create_mas(inbox, receipts))

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "party": "sms"}

    @app.post("/messages", status_code=202)
    async def send(text: Text, key: Key, response: Response) -> Accepted:
        """Deliver a text; the same key again answers 200 with the same body and delivers nothing."""
        entry, new = inbox.receive(key, text.model_dump())
        if new:
            receipts.push("http", partial(_receipt, key))
        else:
            response.status_code = 200
        return Accepted(id=entry["reference"])

    @app.get("/messages")
    async def messages(phone: str | None = None) -> list[Entry]:
        """Texts delivered, oldest first, with their keys and how often each arrived."""
        return inbox.entries(phone=phone)

    return app


def _receipt(key: str, delivered: bool) -> list[dict[str, str]]:
    return [{"key": key, "status": "delivered" if delivered else "undelivered"}]
