"""What adapters make of answers that providers document, or give although they do not."""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from temporalio.exceptions import ApplicationError

from activities.http import http_client
from activities.sms.choose import open_gateway
from activities.sms.port import BAD_NUMBER, Gateway
from domain.city import City
from sandbox.serve import Service
from settings import SmsSettings
from tests.activities.sms.conftest import ACCOUNTS
from tests.activities.sms.test_gateways import KEY, text
from tests.ports import free_ports


class Canned:
    """A provider that gives each call the next of its answers, and the last to all that follow."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.status = 200
        self.calls: list[Request] = []
        self.app = FastAPI()
        self.app.post("/{path:path}")(self._answer)

    async def _answer(self, request: Request) -> Response:
        self.calls.append(request)
        return JSONResponse(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0], self.status)


@pytest.fixture
async def canned(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Canned]:
    provider, [port] = Canned(), free_ports(1)
    service = Service(provider.app, "127.0.0.1", port)
    for name, value in (ACCOUNTS | {"JIESU_ENDPOINT_SMS": f"http://127.0.0.1:{port}"}).items():
        monkeypatch.setitem(os.environ, name, value)
    await service.open()
    yield provider
    await service.close()


@pytest.fixture
async def aliyun(canned: Canned, city: City) -> AsyncIterator[Gateway]:
    async with http_client() as http:
        yield open_gateway(SmsSettings.model_validate({"gateway": "aliyun"}), city, http)


@pytest.fixture
async def mas(canned: Canned, city: City) -> AsyncIterator[Gateway]:
    async with http_client() as http:
        yield open_gateway(SmsSettings.model_validate({"gateway": "mas"}), city, http)


@pytest.mark.parametrize(
    ("status", "type", "final"), [(409, "http_409", False), (422, BAD_NUMBER, True), (400, "http_400", True)]
)
async def test_a_gateway_of_ones_own_may_be_at_the_first_try_still(
    canned: Canned, city: City, status: int, type: str, final: bool
) -> None:
    canned.answers, canned.status = [{}], status
    async with http_client() as http:
        with pytest.raises(ApplicationError) as failed:
            await open_gateway(SmsSettings(), city, http).send(text())
    assert (failed.value.type, failed.value.non_retryable) == (type, final)


@pytest.mark.parametrize(
    ("code", "type", "final", "pause"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", BAD_NUMBER, True, None),
        ("isv.BLACK_KEY_CONTROL_LIMIT", "aliyun_isv.BLACK_KEY_CONTROL_LIMIT", True, None),
        ("isv.PARAM_NOT_SUPPORT_URL", "aliyun_isv.PARAM_NOT_SUPPORT_URL", True, None),
        ("isv.BUSINESS_LIMIT_CONTROL", "aliyun_isv.BUSINESS_LIMIT_CONTROL", False, 3600),
        ("isv.MONTH_LIMIT_CONTROL", "aliyun_isv.MONTH_LIMIT_CONTROL", False, 3600),
        # The address we call from is refused, not the number we text.
        ("isv.DENY_IP_RANGE", "aliyun_isv.DENY_IP_RANGE", False, None),
        ("isv.AMOUNT_NOT_ENOUGH", "aliyun_isv.AMOUNT_NOT_ENOUGH", False, None),
        ("isp.SYSTEM_ERROR", "aliyun_isp.SYSTEM_ERROR", False, None),
        (None, "aliyun_unknown", False, None),
        ("<script>", "aliyun_unknown", False, None),
    ],
)
async def test_codes_of_aliyun_say_whether_another_try_helps(
    canned: Canned, aliyun: Gateway, code: str | None, type: str, final: bool, pause: int | None
) -> None:
    canned.answers = [{"Code": code}]
    with pytest.raises(ApplicationError) as failed:
        await aliyun.send(text())
    delay = failed.value.next_retry_delay
    assert (failed.value.type, failed.value.non_retryable) == (type, final)
    assert (delay.total_seconds() if delay else None) == pause


async def test_while_aliyun_cannot_say_what_it_sent_nothing_is_sent_again(canned: Canned, aliyun: Gateway) -> None:
    canned.answers = [{"Code": "isp.SYSTEM_ERROR"}]
    with pytest.raises(ApplicationError, match=r"isp.SYSTEM_ERROR"):
        await aliyun.send(text(again=True))
    assert [call.headers["x-acs-action"] for call in canned.calls] == ["QuerySendDetails"]


async def test_a_text_that_aliyun_took_before_midnight_is_found_afterwards(canned: Canned, aliyun: Gateway) -> None:
    nothing = {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": []}}
    ours = {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [{"OutId": KEY, "SendStatus": 1}]}}
    canned.answers = [nothing, ours]
    assert await aliyun.send(text(again=True)) is None
    today, yesterday = [int(call.query_params["SendDate"]) for call in canned.calls]
    assert today > yesterday


async def test_a_text_without_a_reference_has_none(canned: Canned, aliyun: Gateway, mas: Gateway) -> None:
    canned.answers = [{"Code": "OK"}, {"rspcod": "success", "success": True}]
    assert (await aliyun.send(text()), await mas.send(text())) == (None, None)


async def test_mas_may_spell_its_reference_as_some_of_its_handbooks_do(canned: Canned, mas: Gateway) -> None:
    canned.answers = [{"mgsGroup": "0927152506001000833076", "rspcod": "success", "success": True}]
    assert await mas.send(text()) == "0927152506001000833076"
    assert canned.calls[0].headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("code", "type", "final"),
    [
        ("InvalidMobile", BAD_NUMBER, True),
        ("InvalidMessage", "mas_InvalidMessage", True),
        ("NoSignId", "mas_NoSignId", False),
        ("TooManyMobiles", "mas_TooManyMobiles", False),
        ("", "mas_no_answer_we_know", True),
    ],
)
async def test_codes_of_mas_say_whether_another_try_helps(
    canned: Canned, mas: Gateway, code: str, type: str, final: bool
) -> None:
    canned.answers = [{"msgGroup": "", "rspcod": code, "success": False}]
    with pytest.raises(ApplicationError) as failed:
        await mas.send(text())
    assert (failed.value.type, failed.value.non_retryable) == (type, final)
