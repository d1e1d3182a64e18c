"""Whose messages are believed: a unit's own, signed with its secret, now."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from sandbox.secrets import variable_of
from tests.api.conftest import Site
from tests.api.unit import NOBODYS, assert_refused, counted, headers, message, post

STALE, EARLY = {"ago": 301}, {"ago": -330}


@pytest.mark.parametrize("wrong", [{"by": "heat"}, STALE, EARLY])
async def test_a_message_signed_by_another_or_at_another_time_is_refused(site: Site, wrong: dict[str, Any]) -> None:
    body, was = message("order.signed_in", NOBODYS), (await counted(site)).get("not_signed", 0)
    answer = await post(site, body, headers(body, str(uuid4()), **wrong))
    await assert_refused(site, answer, 401, "not_signed", "unit:zz-water", was)
    assert answer.headers["WWW-Authenticate"] == "Webhook"


@pytest.mark.parametrize("unit", ["zz-nobody", "units", "%E5%BC%A0%E4%B8%89", "a" * 300, "zz-water%20"])
async def test_nobody_learns_which_units_there_are(site: Site, unit: str) -> None:
    body, was = message("order.signed_in", NOBODYS), (await counted(site, "units")).get("not_signed", 0)
    wrong = await post(site, body, headers(body, "m-1", by="heat"))
    unknown = await post(site, body, headers(body, "m-1", by="heat"), unit)
    await assert_refused(site, unknown, 401, "not_signed", "units", was)
    assert unknown.json() == wrong.json()
    assert {k: v for k, v in unknown.headers.items() if k not in ("date", "idempotency-key")} == {
        k: v for k, v in wrong.headers.items() if k not in ("date", "idempotency-key")
    }


async def test_without_a_secret_nobody_is_believed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    body = message("order.signed_in", NOBODYS)
    sent = headers(body, "m-1")
    for secret in ("", "whsec_", "not base64 …", "c2hvcnQ="):
        monkeypatch.setenv(variable_of("water"), secret)
        assert (await post(site, body, sent)).status_code == 401


def _without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda sent: {key: value for key, value in sent.items() if key != name}


def _with(name: str, value: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda sent: sent | {name: value}


TRICKS = [
    *(_without(f"webhook-{name}") for name in ("id", "timestamp", "signature")),
    *(_with("webhook-timestamp", value) for value in ("nan", "inf", "-1", "1e400", "", "soon", "٣", "9" * 400)),
    *(_with("webhook-signature", value) for value in ("", "v1", "v1,", "v1,***", "v1,abc", "v2,eA==", "v1,a,b", ",")),
    *(_with("webhook-signature", value) for value in ("v1,密", "v1," + "A" * 10_000, "v1,eA==" + " v1,eA==" * 500)),
    _with("webhook-id", "another"),
]


@pytest.mark.parametrize("trick", TRICKS)
async def test_no_trick_with_headers_opens_or_breaks_anything(
    site: Site, trick: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    body, was = message("order.signed_in", NOBODYS), (await counted(site)).get("not_signed", 0)
    sent: Any = {name: value.encode() for name, value in trick(headers(body, "m-1")).items()}
    await assert_refused(site, await post(site, body, sent), 401, "not_signed", "unit:zz-water", was)


async def test_of_several_signatures_one_right_one_is_enough(site: Site) -> None:
    body = message("order.signed_in", await site.dispatched())
    sent = headers(body, str(uuid4()))
    sent["webhook-signature"] = f"v1a,xyz v1,eA== {sent['webhook-signature']}"
    assert (await post(site, body, sent)).status_code == 200


@pytest.mark.parametrize("id", ["张三".encode(), b"a b", b"x" * 201])
async def test_an_id_that_could_not_be_kept_is_refused(site: Site, id: bytes) -> None:
    body, was = message("order.signed_in", NOBODYS), (await counted(site)).get("malformed", 0)
    sent: Any = headers(body, id.decode("latin-1")) | {"webhook-id": id}
    await assert_refused(site, await post(site, body, sent), 422, "malformed", "unit:zz-water", was)


async def test_bytes_that_are_no_text_are_refused(site: Site) -> None:
    assert (await post(site, b"\xff\xfe", headers(b"x", "m-1"))).status_code == 401
