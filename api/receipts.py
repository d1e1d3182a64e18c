"""Receipts of SMS gateways: whether texts arrived, each in the words of its gateway."""

import asyncio
import hmac
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field, WithJsonSchema

from api.envelopes import read_as
from api.fields import Line
from api.keeping import KeepingRoute
from api.problems import Problem, problems
from api.rates import KNOWN
from api.service import Jiesu, Service, now
from ledger.receipts import Found, Receipt, note_receipts
from ledger.refused import Refused, note_all_refused

SOURCE = "sms"
MOST_AT_ONCE = 5_000
A_TRANSACTION = 200
"""Receipts noted together: many are soon done, and nobody who writes waits long."""

bearer = HTTPBearer(auto_error=False, scheme_name="receiptToken", description="The token of the SMS gateway.")


class HttpReceipt(BaseModel):
    """Of a gateway of one's own: it names the text by its `Idempotency-Key`."""

    key: Line
    status: Literal["delivered", "undelivered"]
    code: Line | None = None

    def receipt(self) -> Receipt:
        return Receipt(self.status == "delivered", key=self.key, code=self.code)


class AliyunReceipt(BaseModel):
    """Of Aliyun (SmsReport): it names the text by what we gave it as OutId."""

    success: bool
    biz_id: Line
    out_id: Line | None = None
    err_code: Line | None = None

    def receipt(self) -> Receipt:
        return Receipt(self.success, key=self.out_id or None, reference=self.biz_id, code=self.err_code)


ON_THEIR_WAY = frozenset({"CM:0000", "CM:3000"})
"""What MAS reports of texts that it, or the carrier's gateway, has taken."""


class MasReceipt(BaseModel):
    """Of 云MAS: it names the text by its msgGroup.

    `DELIVRD` stands in the one field or in the other: adapters in use read `reportStatus`, or `errorCode` beside the
    status `CM:0000`, which without it says no more than that the text is on its way.
    """

    msgGroup: Line
    reportStatus: Line
    errorCode: Line | None = None

    def receipt(self) -> Receipt | None:
        if "DELIVRD" in (self.reportStatus, self.errorCode):
            return Receipt(True, reference=self.msgGroup)
        if self.reportStatus in ON_THEIR_WAY:
            return None
        return Receipt(False, reference=self.msgGroup, code=self.errorCode or self.reportStatus)


class Counts(BaseModel):
    """What became of the receipts. `code` and `msg` are what Aliyun wants to hear."""

    code: Literal[0] = 0
    msg: str = "接收成功"
    noted: int = Field(description="News of a text of ours.")
    known: int = Field(description="Repetitions, what came late, and texts that are still on their way.")
    stray: int = Field(description="For no text of ours; kept, in case the text's own reference is on its way.")
    refused: int = Field(description="Malformed ones, each kept for inspection.")


async def shows_token(
    request: Request,
    jiesu: Jiesu,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    token: Annotated[str | None, Query(description="For gateways that send no headers of ours.")] = None,
) -> None:
    """Whoever reports shows JIESU_SMS_RECEIPT_TOKEN: neither Aliyun nor MAS signs what it pushes.

    As a query it stays out of our access log. Raises Problem 401 otherwise, and where no token is set.
    """
    wanted = jiesu.sms.receipt_token
    shown = credentials.credentials if credentials else token or ""
    if wanted is None or not hmac.compare_digest(shown.encode(), wanted.get_secret_value().encode()):
        raise Problem(
            401,
            "no_receipt_token",
            "Receipts are taken from whoever shows the token of the SMS gateway.",
            "须出示短信网关回执令牌。",
            headers={"WWW-Authenticate": "Bearer"},
        )
    setattr(request.state, KNOWN, True)


class ReceiptRoute(KeepingRoute):
    """A route for receipts of one gateway."""

    def source_of(self, request: Request) -> str:
        """`sms:<gateway>`."""
        return f"{SOURCE}:{request.url.path.rpartition('/')[2]}"


router = APIRouter(
    prefix="/sms/receipts", tags=["texts"], dependencies=[Depends(shows_token)], route_class=ReceiptRoute
)

Model = type[HttpReceipt] | type[AliyunReceipt] | type[MasReceipt]
One = TypeVar("One")
Many = Annotated[list[One], Field(max_length=MOST_AT_ONCE)]
Given = dict[Any, Any]
"""A receipt before it is read: each is judged by itself."""


def _described(model: Model) -> WithJsonSchema:
    other = {
        "type": "object",
        "description": "Anything else is refused by itself, and keeps no other from being noted.",
    }
    return WithJsonSchema({"anyOf": [model.model_json_schema(), other]})


Http = Annotated[Given, _described(HttpReceipt)]
Aliyun = Annotated[Given, _described(AliyunReceipt)]
Mas = Annotated[Given, _described(MasReceipt)]


@router.post("/http", summary="Receipts of a gateway of one's own", responses=problems(401))
async def of_http(receipts: Many[Http], jiesu: Jiesu) -> Counts:
    """Each receipt is noted once, in whatever order they come; what was delivered stays delivered."""
    return await _note(jiesu, "http", HttpReceipt, receipts)


@router.post("/aliyun", summary="Receipts of Aliyun", responses=problems(401))
async def of_aliyun(receipts: Many[Aliyun], jiesu: Jiesu) -> Counts:
    """The address for 短信发送状态报告, HTTP 批量推送模式, with `?token=…`."""
    return await _note(jiesu, "aliyun", AliyunReceipt, receipts)


@router.post("/mas", summary="Receipts of 云MAS", responses=problems(401))
async def of_mas(receipts: Mas | Many[Mas], jiesu: Jiesu) -> Counts:
    """The address for 状态报告, with `?token=…`: one receipt, or several."""
    return await _note(jiesu, "mas", MasReceipt, receipts if isinstance(receipts, list) else [receipts])


async def _note(jiesu: Service, gateway: str, model: Model, given: Sequence[Given]) -> Counts:
    # In a thread the stack is short: however deep it is nested, what could be read can be written down.
    receipts, refused = await asyncio.to_thread(_judge, model, given)
    news, found = [receipt for receipt in receipts if receipt], list[Found]()
    for start in range(0, len(news), A_TRANSACTION):
        found += await jiesu.ledger.run(note_receipts, gateway, news[start : start + A_TRANSACTION], now())
    await jiesu.ledger.run(note_all_refused, f"{SOURCE}:{gateway}", refused, now())
    return Counts(
        noted=found.count("noted"),
        known=found.count("known") + len(receipts) - len(news),
        stray=found.count("stray"),
        refused=len(refused),
    )


def _judge(model: Model, given: Sequence[Given]) -> tuple[list[Receipt | None], list[Refused]]:
    """Those that can be read (None: the text is on its way still), and those that cannot."""
    receipts, refused = list[Receipt | None](), list[Refused]()
    for one in given:
        try:
            receipts.append(read_as(model, one).receipt())
        except Problem as problem:
            body = json.dumps(one, ensure_ascii=False).encode(errors="replace")
            refused.append(Refused(problem.code, problem.detail, body))
    return receipts, refused
