"""The provider's keys change, and the provider itself comes and goes."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.api.conftest import Site
from tests.api.provider import Provider, new_key, public_jwk, signing_in


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def desk(site: Site, provider: Provider) -> Iterator[Site]:
    with signing_in(site, provider.values) as opened:
        yield opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider may be asked again at once."""
    monkeypatch.setattr("api.oidc.PAUSE_SECONDS", 0)


@pytest.fixture
def forgetful(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With each token the provider is asked whether its keys are still the same."""
    monkeypatch.setattr("api.oidc.FRESH_SECONDS", 0)


async def status(desk: Site, token: str) -> int:
    return (await desk.call("GET", "/cases", token)).status_code


async def test_a_new_key_of_the_provider_is_picked_up(desk: Site, provider: Provider, impatient: None) -> None:
    old = provider.token()
    with provider.up():
        assert await status(desk, old) == 200
        key = new_key()
        provider.published = [public_jwk(key, "second")]
        assert await status(desk, provider.sign(provider.claims(), "second", key)) == 200
        assert await status(desk, old) == 401


async def test_a_withdrawn_key_is_soon_worth_nothing(desk: Site, provider: Provider, forgetful: None) -> None:
    with provider.up():
        assert await status(desk, provider.token()) == 200
        provider.published = [public_jwk(new_key(), "second")]
        found = [await status(desk, provider.token()) for _ in range(50)]
        assert found[-1] == 401


async def test_forged_key_ids_do_not_make_us_pester_the_provider(desk: Site, provider: Provider) -> None:
    with provider.up():
        for number in range(20):
            assert await status(desk, provider.sign(provider.claims(), f"forged-{number}")) == 401
        assert await status(desk, provider.token()) == 200
    assert provider.asked == 1


async def test_a_rush_at_the_start_asks_the_provider_once(desk: Site, provider: Provider) -> None:
    with provider.up():
        assert set(await asyncio.gather(*(status(desk, provider.token()) for _ in range(20)))) == {200}
    assert provider.asked == 1


async def test_a_key_without_id_serves_where_it_is_the_only_one(
    desk: Site, provider: Provider, impatient: None
) -> None:
    nameless = provider.sign(provider.claims(), kid=None)
    encryption = public_jwk(new_key(), "other") | {"use": "enc"}
    provider.published.append(encryption)
    with provider.up():
        assert await status(desk, nameless) == 200
        assert await status(desk, provider.sign(provider.claims(), kid="other")) == 401
        provider.published.append(public_jwk(new_key(), "second"))
        assert await status(desk, provider.sign(provider.claims(), kid="new")) == 401
        assert await status(desk, nameless) == 401


async def test_known_keys_remain_good_while_the_provider_is_down(
    desk: Site, provider: Provider, forgetful: None
) -> None:
    with provider.up():
        assert await status(desk, provider.token()) == 200
    for _ in range(3):
        assert await status(desk, provider.token()) == 200
        assert await status(desk, provider.sign(provider.claims(), "unknown")) == 401


@pytest.mark.parametrize(
    "answer", [(500, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b'{"keys": 7}'), (200, b'{"keys": [7]}')]
)
async def test_nonsense_of_the_provider_replaces_no_keys(
    desk: Site, provider: Provider, forgetful: None, answer: tuple[int, bytes]
) -> None:
    with provider.up():
        assert await status(desk, provider.token()) == 200
        provider.answer = answer
        for _ in range(3):
            assert await status(desk, provider.token()) == 200


async def test_a_token_nobody_can_check_yet_is_to_be_sent_again(
    desk: Site, provider: Provider, impatient: None, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await desk.call("GET", "/cases", provider.token())
    assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
    assert answer.headers["Retry-After"]
    assert "zhang.wei" not in caplog.text
    assert await status(desk, "agent") == 200
    with provider.up():
        assert await status(desk, provider.token()) == 200
