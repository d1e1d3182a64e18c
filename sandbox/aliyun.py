"""What Aliyun's SMS service answers (Dysmsapi 2017-05-25): signed RPC calls, templates, lists of what was sent."""

import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from sandbox.inbox import Inbox
from sandbox.receipts import Receipts

KEY_ID, KEY_SECRET = "sandbox-key", "sandbox-secret"
FRESH = timedelta(minutes=15)
AUTHORIZATION = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})")

MOBILE = re.compile(r"1\d{10}")
LONGEST_VALUE = 35
CHINA = ZoneInfo("Asia/Shanghai")


def create_aliyun(inbox: Inbox, receipts: Receipts) -> APIRouter:
    """The service, beside the other gateways of the sandbox."""
    router = APIRouter()

    @router.post("/")
    async def call(request: Request) -> JSONResponse:
        """`SendSms` or `QuerySendDetails`; like the real one, it sends a repeated OutId again."""
        fault = await _fault(request)
        if fault is not None:
            return _answer(fault, 400)
        query = request.query_params
        if request.headers["x-acs-action"] == "QuerySendDetails":
            return JSONResponse(_details(inbox, query["PhoneNumber"], query["SendDate"]))
        if not MOBILE.fullmatch(query["PhoneNumbers"]):
            return _answer("isv.MOBILE_NUMBER_ILLEGAL")
        if not query["TemplateCode"].startswith("SMS_"):
            return _answer("isv.SMS_TEMPLATE_ILLEGAL")
        values = json.loads(query["TemplateParam"])
        if not all(0 < len(value) <= LONGEST_VALUE for value in values.values()):
            return _answer("isv.PARAM_LENGTH_LIMIT")
        biz_id, out_id = uuid4().hex, query["OutId"]
        content = {
            "gateway": "aliyun", "phone": query["PhoneNumbers"], "sign": query["SignName"], "out_id": out_id,
            "template": query["TemplateCode"], "values": values, "biz_id": biz_id,
        }  # fmt: skip
        entry, _ = inbox.receive(f"{out_id}#{biz_id}", content)
        receipts.push("aliyun", lambda arrived: [receipt(entry, delivered=arrived)])
        return _answer("OK", BizId=biz_id)

    return router


def _answer(code: str, status: int = 200, **more: str) -> JSONResponse:
    return JSONResponse({"Code": code, "Message": code, "RequestId": uuid4().hex, **more}, status)


def _details(inbox: Inbox, phone: str, day: str) -> dict[str, Any]:
    sent = [
        {"OutId": entry["out_id"], "PhoneNum": phone, "SendStatus": 1}
        for entry in inbox.entries(gateway="aliyun", phone=phone)
        if datetime.fromisoformat(entry["received_at"]).astimezone(CHINA).strftime("%Y%m%d") == day
    ]
    return {"Code": "OK", "Message": "OK", "TotalCount": len(sent), "SmsSendDetailDTOs": {"SmsSendDetailDTO": sent}}


async def _fault(request: Request) -> str | None:
    """The code of what is wrong with a call's signature (ACS3-HMAC-SHA256), if anything is."""
    found = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        return "IncompleteSignature"
    key_id, names, signature = found.groups()
    if key_id != KEY_ID:
        return "InvalidAccessKeyId.NotFound"
    asked = datetime.strptime(request.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if abs(datetime.now(UTC) - asked) > FRESH:
        return "InvalidTimeStamp.Expired"
    digest = sha256(await request.body()).hexdigest()
    if request.headers["x-acs-content-sha256"] != digest:
        return "SignatureDoesNotMatch"
    query = sorted(request.query_params.items())
    canonical = "\n".join(
        [
            request.method,
            request.url.path,
            "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query),
            *(f"{name}:{request.headers[name].strip()}" for name in names.split(";")),
            "",
            names,
            digest,
        ]
    )
    to_sign = f"ACS3-HMAC-SHA256\n{sha256(canonical.encode()).hexdigest()}"
    right = hmac.new(KEY_SECRET.encode(), to_sign.encode(), sha256).hexdigest()
    return None if hmac.compare_digest(signature, right) else "SignatureDoesNotMatch"


def receipt(entry: dict[str, Any], *, delivered: bool) -> dict[str, Any]:
    """What Aliyun reports of a text; it sends such receipts as a JSON array."""
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "phone_number": entry["phone"], "send_time": at, "report_time": at, "success": delivered,
        "err_code": "DELIVERED" if delivered else "MOBILE_NOT_ON_SERVICE", "err_msg": "", "sms_size": "1",
        "biz_id": entry["biz_id"], "out_id": entry["out_id"],
    }  # fmt: skip
