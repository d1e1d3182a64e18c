"""Other hotlines and platforms of the sandbox city: they receive transfers, and their people press buttons."""

import json
import os
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

import httpx2
from fastapi import APIRouter, Body, Header, HTTPException, Request, Response

from sandbox.inbox import Entry, Inbox
from sandbox.secrets import variable_of
from sandbox.signatures import check_signature
from settings import read_webhook, sign

SYSTEMS = ("110", "hotlines", "mayor_mailbox", "message_board", "snapshot")
"""The systems of partners: the linked hotlines share one."""
TAKING = ("110", "hotlines")

ANSWERS = {"acknowledge-transfer": "transfer.acknowledged", "refuse-transfer": "transfer.refused"}
"""Button → type of the message that it sends."""

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


def partner_endpoints(office: str) -> dict[str, str]:
    """The environment variables with the address of each system that takes transfers, behind that of the office."""
    return {f"JIESU_ENDPOINT_{system.upper()}": f"{office}/partners/{system}" for system in TAKING}


def create_partners() -> APIRouter:
    """What the partners' systems answer to, and a route for each button of theirs."""
    router = APIRouter(prefix="/partners", tags=["partners"])
    inbox = Inbox()

    @router.post("/{system}/transfers", status_code=201)
    async def receive(
        system: str,
        request: Request,
        response: Response,
        key: Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=255)],
    ) -> dict[str, Any]:
        """Take a signed transfer or notice; the same key again answers 200 with the same receipt."""
        await check_signature(request, system, key)
        content: dict[str, Any] = await request.json()
        entry, new = inbox.receive(key, {**content, "system": system})
        response.status_code = 201 if new else 200
        return {"reference": entry["reference"]}

    @router.get("/{system}/transfers")
    async def transfers(system: str, case: str | None = None) -> list[Entry]:
        """What the system, or that of a partner, has received, oldest first."""
        return inbox.entries(system=_system(system), case=case)

    @router.post("/{code}/transfers/{case}/steps/{step}")
    async def answer(
        code: str,
        case: str,
        step: Literal["acknowledge-transfer", "refuse-transfer"],
        body: Annotated[dict[str, Any], Body()],
        key: Key = None,
    ) -> Response:
        """Somebody there answers a transfer; `body` is that of the step as people take it."""
        data = {"case": case, "reason": body.pop("text", None), **body}
        return await _say(code, {"type": ANSWERS[step], "data": data}, key or str(uuid4()))

    @router.post("/{code}/offer")
    async def offer(code: str, data: Annotated[dict[str, Any], Body()], key: Key = None) -> Response:
        """Somebody there gives a request to Jiesu."""
        return await _say(code, {"type": "transfer.offered", "data": data}, key or str(uuid4()))

    return router


def _system(code: str) -> str:
    name = code.replace("-", "_")
    return name if name in SYSTEMS else "hotlines"


async def _say(code: str, message: dict[str, Any], id: str) -> Response:
    webhook, body, at = read_webhook(variable_of(_system(code))), json.dumps(message), datetime.now(UTC)
    if webhook is None:
        raise HTTPException(503, "the sandbox has no secret for this partner")
    url = f"{os.environ.get('JIESU_API_URL', 'http://127.0.0.1:8000')}/webhooks/partners/{code}"
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        try:
            answer = await client.post(url, content=body.encode(), headers=sign(webhook, id, body, at))
        except httpx2.TransportError:
            raise HTTPException(502, "Jiesu did not answer in full; repeat with the same key") from None
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("Content-Type"))
