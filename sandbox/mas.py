"""What 云MAS answers: base64 of JSON with a digest over account, secret and text."""

import hmac
import json
from base64 import b64decode
from datetime import UTC, datetime
from hashlib import md5
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request

from sandbox.inbox import Inbox
from sandbox.receipts import Receipts

EC_NAME, AP_ID, SECRET_KEY, SIGN = "沙盒市", "sandbox", "sandbox-secret", "s1gn"


def create_mas(inbox: Inbox, receipts: Receipts) -> APIRouter:
    """The service, beside the other gateways of the sandbox."""
    router = APIRouter()

    @router.post("/sms/norsubmit")
    async def submit(request: Request) -> dict[str, Any]:
        """Take a text; like the real one, it knows no repetition."""
        body = json.loads(b64decode(await request.body()))
        code = _fault(body)
        if code is not None:
            return {"msgGroup": "", "rspcod": code, "success": False}
        group = uuid4().hex
        content = {"gateway": "mas", "phone": body["mobiles"], "text": body["content"], "group": group}
        entry, _ = inbox.receive(group, content)
        receipts.push("mas", lambda arrived: receipt(entry, delivered=arrived))
        return {"msgGroup": group, "rspcod": "success", "success": True}

    return router


def _fault(body: dict[str, str]) -> str | None:
    if (body["ecName"], body["apId"]) != (EC_NAME, AP_ID):
        return "InvalidUsrOrPwd"
    if body["sign"] != SIGN:
        return "IllegalSignId"
    if not body["content"]:
        return "InvalidMessage"
    parts = [EC_NAME, AP_ID, SECRET_KEY, body["mobiles"], body["content"], body["sign"], body["addSerial"]]
    right = md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
    return None if hmac.compare_digest(body["mac"], right) else "IllegalMac"


def receipt(entry: dict[str, Any], *, delivered: bool) -> dict[str, Any]:
    """What MAS reports of a text, one at a time."""
    at = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    return {
        "reportStatus": "CM:0000" if delivered else "CM:0001", "mobile": entry["phone"], "submitDate": at,
        "receiveDate": at, "errorCode": "DELIVRD" if delivered else "UNDELIV", "msgGroup": entry["group"],
    }  # fmt: skip
