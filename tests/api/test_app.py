"""The app before its first request."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.api.conftest import Api, Site


async def test_no_request_waits_until_its_route_is_built(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(site.api.values)
    api.start()
    built: list[Any] = []
    build = TypeAdapter.__init__

    def note(adapter: Any, *args: Any, **more: Any) -> None:
        built.append(args)
        build(adapter, *args, **more)

    try:
        monkeypatch.setattr(TypeAdapter, "__init__", note)
        answer = await site.http.get(f"http://127.0.0.1:{api.port}/nothing")
    finally:
        api.stop()
    assert answer.status_code == 404
    assert not built
