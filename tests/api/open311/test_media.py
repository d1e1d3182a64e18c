"""Files that an app sends with a request belong to it; what is no file that is kept does not lose the request."""

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ledger.attachments import MOST
from tests.api.conftest import Site
from tests.api.open311.geo_report import App, content, form
from tests.api.test_attachments import IMPOSTORS, JPEG, SAMPLES

PATH = "/open311/v2/requests"
OF_A_FILE_TYPE = "文件类型不支持"


async def sent(site: Site, *files: tuple[str, bytes, str], suffix: str = ".json", **more: Any) -> httpx2.Response:
    """The answer to a request with files: the name of each part, what is in it, and what it is called."""
    fields = {"api_key": site.keys["integration"], **form()}
    parts = [(name, ("照片.jpg", said, type)) for name, said, type in files]
    return await site.call("POST", f"{PATH}{suffix}", data=fields, files=parts, **more)


def filed(answer: httpx2.Response, suffix: str = ".json") -> tuple[str, str]:
    """The number and the notice of a request that was taken."""
    (said,) = content(answer, "filed", suffix)
    return str(said["service_request_id"]), str(said["service_notice"])


async def attached(site: Site, number: str) -> set[str]:
    return {file["sha256"] for file in await site.get(f"/cases/{number}/attachments")}


def digests(*contents: bytes) -> set[str]:
    return {sha256(content).hexdigest() for content in contents}


async def test_files_become_attachments_of_the_case(each_site: Site, suffix: str) -> None:
    large, video = JPEG + bytes(2_000_000), SAMPLES["video/mp4"]
    answer = await sent(
        each_site, ("media", large, "image/*"), ("media[]", video, "multipart/form-data"), suffix=suffix
    )
    number, notice = filed(answer, suffix)
    assert (answer.status_code, "未保存" in notice) == (201, False)
    assert await attached(each_site, number) == digests(large, video)
    (file, _) = await each_site.get(f"/cases/{number}/attachments")
    read = await each_site.call("GET", f"/cases/{number}/attachments/{file['sha256']}", "dispatcher")
    assert sha256(read.content).hexdigest() == file["sha256"]


async def test_a_repetition_under_the_same_key_attaches_nothing_twice(each_site: Site) -> None:
    first, again = [await sent(each_site, ("media", JPEG, "image/jpeg"), key="media-1") for _ in range(2)]
    assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
    assert await attached(each_site, filed(first)[0]) == digests(JPEG)


@pytest.mark.parametrize(
    ("file", "why"),
    [(IMPOSTORS["html"], OF_A_FILE_TYPE), (JPEG + bytes(10_000_000), "不得超过10MB"), (b"\xff", OF_A_FILE_TYPE)],
)
async def test_a_file_that_is_refused_does_not_lose_the_request(site: Site, file: bytes, why: str) -> None:
    number, notice = filed(await sent(site, ("media", file, "image/jpeg"), ("media", JPEG, "image/jpeg")))
    assert "1个未保存" in notice
    assert why in notice
    assert await attached(site, number) == digests(JPEG)


async def test_an_empty_file_is_none(site: Site) -> None:
    number, notice = filed(await sent(site, ("media", b"", "application/octet-stream")))
    assert "未保存" not in notice
    assert await attached(site, number) == set()


@pytest.mark.parametrize(
    ("charset", "end", "status"),
    [
        ("utf-8", "--x--\r\n", 201),
        ("utf-8", "--x--", 201),
        ("utf-8", "--x", 400),
        ("utf-8", "", 400),
        ("utf-7", "--x--", 400),
    ],
)
async def test_a_form_in_parts_is_taken_whole_or_not_at_all(site: Site, charset: str, end: str, status: int) -> None:
    parts = [f'name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in form().items()]
    parts.append(b'name="media"; filename="1.jpg"\r\n\r\n' + JPEG + b"\r\n")
    body = b"".join(b"--x\r\nContent-Disposition: form-data; " + part for part in parts) + end.encode()
    headers = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    answer = await site.call("POST", f"{PATH}.json", "integration", headers=headers, content=body)
    assert answer.status_code == status
    if status == 201:
        assert await attached(site, filed(answer)[0]) == digests(JPEG)


async def test_more_files_than_a_case_may_have_are_told(site: Site) -> None:
    number, notice = filed(await sent(site, *(("media", JPEG + bytes([n]), "image/jpeg") for n in range(MOST + 2))))
    assert "2个未保存：该工单的附件已达上限" in notice
    assert len(await attached(site, number)) == MOST


async def test_a_store_that_cannot_write_does_not_lose_the_request(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (blocked := tmp_path / "file").touch()
    monkeypatch.setattr("settings.Settings.attachments_folder", blocked)
    number, notice = filed(await sent(site, ("media", JPEG, "image/jpeg")))
    assert "1个未保存：附件暂时无法保存" in notice
    assert await attached(site, number) == set()


async def test_a_request_cut_off_on_its_way_is_not_taken(site: Site) -> None:
    body = "&".join(f"{name}={value}" for name, value in (form() | {"api_key": site.keys["integration"]}).items())
    lines = [
        f"POST {PATH}.json HTTP/1.1",
        "Host: jiesu",
        "Idempotency-Key: cut-off",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body.encode()) + 1}",
        "",
        body,
    ]
    reader, writer = await asyncio.open_connection("127.0.0.1", site.api.port)
    writer.write("\r\n".join(lines).encode())
    writer.write_eof()
    async with asyncio.timeout(15):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    answer = await App(site, site.keys["integration"], ".json").post(form(), **{"Idempotency-Key": "cut-off"})
    assert answer.status_code == 201
