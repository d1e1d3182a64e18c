"""Each adapter against the sandbox's gateway of its kind, which checks its signature as the real one does."""

import logging
import os

import pytest
from temporalio.exceptions import ApplicationError

from activities.sms.port import BAD_NUMBER, Text
from domain.city import City, load_city
from sandbox.faults import Fault
from settings import ROOT, SmsSettings, read_sms_settings
from tests.activities.sms.conftest import TEMPLATES, Open, Provider

GATEWAYS = ("http", "aliyun", "mas")
PHONE = "13812345678"
VALUES = {"number": "ZZ-20261122-00001", "code": "20418553"}
WORDS = "【郑州市12345】已登记，编号ZZ-20261122-00001，查询码 20418553~*+&。"
KEY = "ZZ-20261122-00001:1:citizen::received"


def text(**changes: object) -> Text:
    usual = {"key": KEY, "phone": PHONE, "kind": "received", "words": WORDS, "values": VALUES}
    return Text(**usual | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", GATEWAYS)
async def test_a_text_arrives_with_a_reference_of_the_gateway(name: str, provider: Provider, gateway: Open) -> None:
    reference = await (await gateway(name)).send(text())
    [entry] = await provider.texts()
    assert entry["phone"] == PHONE
    match name:
        case "http":
            assert (entry["key"], entry["text"], entry["reference"]) == (KEY, WORDS, reference)
        case "mas":
            assert (entry["text"], entry["group"]) == (WORDS.removeprefix("【郑州市12345】"), reference)
        case "aliyun":
            assert (entry["sign"], entry["template"]) == ("郑州12345", TEMPLATES["received"])
            assert (entry["values"], entry["out_id"], entry["biz_id"]) == (VALUES, KEY, reference)


@pytest.mark.parametrize(
    ("name", "variable", "code"),
    [
        ("aliyun", "JIESU_SMS_ALIYUN_KEY_SECRET", "aliyun_SignatureDoesNotMatch"),
        ("aliyun", "JIESU_SMS_ALIYUN_KEY_ID", "aliyun_InvalidAccessKeyId.NotFound"),
        ("mas", "JIESU_SMS_MAS_SECRET_KEY", "mas_IllegalMac"),
        ("mas", "JIESU_SMS_MAS_SIGN", "mas_IllegalSignId"),
    ],
)
async def test_a_wrong_secret_is_told_and_tried_again_for_people_can_mend_it(
    gateway: Open, monkeypatch: pytest.MonkeyPatch, name: str, variable: str, code: str
) -> None:
    monkeypatch.setitem(os.environ, variable, "wrong")
    with pytest.raises(ApplicationError) as failed:
        await (await gateway(name)).send(text())
    assert (failed.value.type, failed.value.non_retryable) == (code, False)


@pytest.mark.parametrize("name", GATEWAYS)
async def test_a_gateway_that_fails_or_is_not_there_is_tried_again(
    provider: Provider, gateway: Open, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    opened = await gateway(name)
    provider.fail(Fault(kind="error", times=1))
    with pytest.raises(ApplicationError) as failed:
        await opened.send(text())
    assert failed.value.non_retryable is False
    monkeypatch.setitem(os.environ, "JIESU_ENDPOINT_SMS", "http://127.0.0.1:1")
    with pytest.raises(ApplicationError) as failed:
        await (await gateway(name)).send(text())
    assert (failed.value.type, failed.value.non_retryable) == ("unreachable", False)


async def test_a_number_that_is_none_is_told_apart(gateway: Open) -> None:
    with pytest.raises(ApplicationError) as failed:
        await (await gateway("aliyun")).send(text(phone="1234"))
    assert (failed.value.type, failed.value.non_retryable) == (BAD_NUMBER, True)


async def test_after_an_uncertain_try_aliyun_is_asked_before_it_is_told_again(
    provider: Provider, gateway: Open
) -> None:
    aliyun = await gateway("aliyun")
    await aliyun.send(text(key="other"))
    await aliyun.send(text())
    await aliyun.send(text(again=True))
    assert [entry["out_id"] for entry in await provider.texts()] == ["other", KEY]
    await aliyun.send(text(key="new", again=True))
    assert len(await provider.texts()) == 3


async def test_aliyun_takes_values_of_few_characters_and_none_that_is_empty(provider: Provider, gateway: Open) -> None:
    await (await gateway("aliyun")).send(text(values={"number": "ZZ-20261122-00001", "reason": "水" * 300, "due": ""}))
    [entry] = await provider.texts()
    assert entry["values"] == {"number": "ZZ-20261122-00001", "reason": "水" * 34 + "…", "due": "无"}


@pytest.mark.parametrize("name", GATEWAYS)
async def test_neither_secret_nor_number_nor_text_is_logged_or_raised(
    provider: Provider, gateway: Open, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    opened = await gateway(name)
    await opened.send(text())
    provider.fail(Fault(kind="error"))
    with pytest.raises(ApplicationError) as failed:
        await opened.send(text())
    told = caplog.text + repr(failed.value) + repr(text())
    for secret in (PHONE, VALUES["code"], "sandbox-secret"):
        assert secret not in told


def test_a_gateway_needs_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "JIESU_SMS_GATEWAY", "mas")
    with pytest.raises(ValueError, match=r"^JIESU_SMS_MAS_EC_NAME is not set$"):
        _ = read_sms_settings().mas
    monkeypatch.setitem(os.environ, "JIESU_SMS_GATEWAY", "pigeon")
    with pytest.raises(ValueError, match=r"^JIESU_SMS_GATEWAY: Input should be 'http', 'aliyun' or 'mas'$"):
        read_sms_settings()


def test_aliyun_needs_approved_templates() -> None:
    from activities.sms.choose import open_gateway

    city: City = load_city(ROOT / "cities" / "zhengzhou")
    with pytest.raises(ValueError, match=r"needs the table \[aliyun\] in zhengzhou/sms.toml"):
        open_gateway(SmsSettings.model_validate({"gateway": "aliyun"}), city, None)  # type: ignore[arg-type]
