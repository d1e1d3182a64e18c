"""Refusals and errors as RFC 9457 problems: a code for programs, a sentence in English and one in Chinese."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from api.repeating import KEY_HEADER
from ledger.database import LEDGER_ERRORS
from ledger.errors import BadCursor, CaseErased, KeyReused, TooManyFiles, Unreadable
from temporal.keyring import Unopened

log = logging.getLogger("jiesu.api")

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

MEANINGS = {
    400: "The body cannot be read.",
    401: "No valid API key, token or code.",
    403: "Not a task of this post, or a token that names none.",
    404: "No such case, or none of yours.",
    408: "The body did not come in time.",
    409: "A rule stands against the step, or the record was changed and cannot be read; `code` and `detail` say which.",
    410: "The file is no longer whole on our side.",
    413: "The body is too large.",
    415: "A type of file that is not taken, or not the one declared.",
    422: "Malformed, or the Idempotency-Key was used for another body; `detail` says which.",
    429: "Too many requests, or too many wrong codes; repeat after `Retry-After` seconds.",
    503: "Something we depend on does not answer; repeat after `Retry-After` seconds, a POST with `idempotency_key`.",
}

SENTENCES = {
    400: ("The body cannot be read as JSON.", "请求内容无法读取。"),
    404: ("There is nothing at this address.", "没有这个地址。"),
    405: ("This address does not take this method.", "该地址不支持此方法。"),
    408: ("The body did not come in time.", "请求内容接收超时。"),
    413: ("The body is too large.", "请求内容过大。"),
}

REFUSED = {
    KeyReused: (
        422,
        "idempotency_key_reused",
        "This Idempotency-Key was used for a request with another body; use a new key.",
        "该Idempotency-Key已用于内容不同的请求，请更换。",
    ),
    BadCursor: (
        422,
        "bad_cursor",
        "The cursor is not one this list gave out; start from the first page.",
        "翻页游标无效，请从第一页开始。",
    ),
    CaseErased: (
        409,
        "case_erased",
        "The personal data of this case has been removed; nothing can be added to it.",
        "该工单的个人信息已按规定清除，不能再补充内容。",
    ),
    TooManyFiles: (409, "too_many_files", "This case has as many files as it may have.", "该工单的附件已达上限。"),
}
"""What the ledger refuses, as a problem."""

FIELD = re.compile(r"[a-z_][a-z0-9_-]{0,39}", re.IGNORECASE)


class ProblemBody(BaseModel):
    """What a refusal looks like on the wire."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "urn:jiesu:problem:already_signed_in",
                "title": "Conflict",
                "status": 409,
                "code": "already_signed_in",
                "detail": "zz-water already signed in on 2026-09-24 10:05.",
                "detail_zh": "郑州水务集团已于2026-09-24 10:05签收。",
            }
        },
    )

    type: str
    title: str
    status: int
    code: str
    detail: str
    detail_zh: str


class Problem(Exception):
    """An answer that is not what was asked for."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        detail_zh: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.detail_zh = status, code, detail, detail_zh
        self.headers, self.more = dict(headers or {}), more

    def response(self) -> JSONResponse:
        """The problem as an HTTP answer."""
        body = ProblemBody(
            type=f"urn:jiesu:problem:{self.code}",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            code=self.code,
            detail=self.detail,
            detail_zh=self.detail_zh,
            **self.more,
        )
        return JSONResponse(body.model_dump(), self.status, headers=self.headers, media_type=MEDIA_TYPE)


class Unavailable(Exception):
    """Something we depend on does not answer. What was asked for may have been carried out all the same."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems of an operation, for its documentation."""
    return {status: {"model": ProblemBody, "description": MEANINGS[status]} for status in statuses}


def not_found(number: str) -> Problem:
    """No such case, or none that the asker may know of."""
    return Problem(404, "no_such_case", f"There is no case {number} here.", f"没有编号为{number}的工单。")


def unknown_item() -> Problem:
    """An item that the city's catalog does not have."""
    return Problem(422, "unknown_item", "item: not in the city's catalog; see /catalog.", "目录中没有该事项。")


def malformed(detail: str, **more: Any) -> Problem:
    """Something that cannot be understood."""
    return Problem(422, "malformed", detail, "请求内容不符合格式要求。", **more)


def unavailable(what: str, key: str | None) -> Problem:
    """Something we depend on does not answer; under its key the request may be repeated, and is carried out once."""
    return Problem(
        503,
        "try_again",
        f"{what} does not answer right now; repeat the request{f' with {KEY_HEADER}: {key}' if key else ''}.",
        f"系统繁忙，请稍后{f'使用{KEY_HEADER}：{key}' if key else ''}重试。",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        **({"idempotency_key": key} if key else {}),
    )


def too_soon(code: str, what: str, what_zh: str, seconds: int) -> Problem:
    """Something that a client did too often, and may do again after some seconds."""
    return Problem(
        429,
        code,
        f"{what}; try again in {seconds} seconds.",
        f"{what_zh}，请于{seconds}秒后再试。",
        headers={"Retry-After": str(seconds)},
    )


def internal() -> Problem:
    """An error nobody foresaw."""
    return Problem(500, "internal", "Something went wrong on our side; it has been logged.", "系统内部错误。")


def of_http(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """What HTTP itself has a word for, such as 404 and 413."""
    phrase = HTTPStatus(status).phrase
    detail, detail_zh = SENTENCES.get(status, (phrase, "请求无法处理。"))
    return Problem(status, phrase.lower().replace(" ", "_"), detail, detail_zh, headers=headers)


def add_handlers(app: FastAPI) -> None:
    """Make every foreseen error of the app a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Unreadable, _unreadable)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(Unopened, _unopened)
    for refused in REFUSED:
        app.add_exception_handler(refused, _refused)
    for error in LEDGER_ERRORS:
        app.add_exception_handler(error, _ledger_down)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return error.response()


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [_fault(fault) for fault in error.errors()]
    first = faults[0] if faults else {"where": "body", "what": "malformed"}
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    return malformed(f"{first['where']}: {first['what']}{more}", errors=faults).response()


def _fault(fault: Mapping[str, Any]) -> dict[str, str]:
    """Where the request is malformed and why; never what it said, which may be personal."""
    where = ".".join(str(part) if isinstance(part, int) or FIELD.fullmatch(part) else "?" for part in fault["loc"])
    what = fault["msg"].removeprefix("Value error, ").replace(repr(fault.get("input")), "this")
    return {"where": where, "what": what}


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = {**(error.headers or {})}
    if error.status_code == 405 and (methods := _methods(request)):
        headers["Allow"] = ", ".join(methods)
    return of_http(error.status_code, headers).response()


def _methods(request: Request) -> list[str]:
    """What the address takes; each route by itself would tell of its own methods only."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    found = [of for path, of in paths.items() if compile_path(path)[0].match(request.scope["path"])]
    return sorted(method.upper() for operations in found for method in operations)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    return Problem(*REFUSED[type(error)]).response()


async def _unreadable(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Unreadable)
    log.error("case %s cannot be read: the database was changed", error.case_number)
    return Problem(
        409,
        "unreadable_record",
        f"The database was changed: {error}. `jiesu audit verify {error.case_number}` tells what is wrong.",
        f"数据库内容被改动，工单{error.case_number}无法读取；请用jiesu audit verify {error.case_number}核验。",
    ).response()


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Unavailable)
    return unavailable(error.what, request.headers.get(KEY_HEADER)).response()


async def _unopened(request: Request, error: Exception) -> JSONResponse:
    log.error("an answer of the engine cannot be read: %s", error)
    return await _unavailable(request, Unavailable("An engine whose keys this API has"))


async def _ledger_down(request: Request, error: Exception) -> JSONResponse:
    log.warning("the ledger does not answer: %s", type(error).__name__)
    return await _unavailable(request, Unavailable("The ledger"))
