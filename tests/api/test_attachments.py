"""Files of cases: what is taken and refused, who reads them, and that they are never lost, shared or left behind."""

import asyncio
import gc
import os
import stat
from collections.abc import AsyncIterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.uploads import KINDS
from ledger.access_log import reads_of
from ledger.attachments import MOST, remove_attachments
from ledger.files import write_draft
from tests.api.conftest import Site

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(64)
SAMPLES = {
    "image/jpeg": JPEG,
    "image/png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "image/gif": b"GIF89a\x01\x00\x01\x00",
    "image/webp": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    "image/heic": b"\x00\x00\x00\x24ftypheic\x00\x00\x00\x00mif1heic",
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "audio/mp4": b"\x00\x00\x00\x1cftypM4A \x00\x00\x02\x00isomiso2",
    "video/mp4": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42",
    "audio/mpeg": b"ID3\x03\x00\x00\x00\x00\x0f\x76TSSE",
    "audio/aac": b"\xff\xf1\x50\x80\x02\x1f\xfc",
    "audio/wav": b"RIFF\x24\x00\x00\x00WAVEfmt ",
    "audio/amr": b"#!AMR\n\x3c",
}
IMPOSTORS = {
    "html": b"<!DOCTYPE html><script>alert(1)</script>",
    "html before a JPEG": b"<html>" + JPEG,
    "html with a JPEG's end": b"<html></html>\xff\xd9",
    "html before a PDF": b"<script></script>\n%PDF-1.7\n%%EOF",
    "html before an MP3's tag": b"<html>" + bytes(200) + b"TAG" + bytes(125),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "xml": b'<?xml version="1.0"?><svg/>',
    "script": b"alert(1)",
    "elf": b"\x7fELF\x02\x01\x01" + bytes(56),
    "windows": b"MZ\x90\x00" + bytes(60),
    "zip": b"PK\x03\x04" + bytes(60),
    "quicktime": b"\x00\x00\x00\x14ftypqt  ",
    "avi": b"RIFF\x24\x00\x00\x00AVI LIST",
    "utf-16": "\ufeff<html>".encode("utf-16-le"),
    "one byte": b"\xff",
}


def store(site: Site) -> Path:
    return Path(site.api.values["JIESU_HOME"]) / "attachments"


def kept(site: Site, content: bytes) -> Path:
    digest = sha256(content).hexdigest()
    return store(site) / digest[:2] / digest[2:]


async def attach(
    site: Site, number: str, content: bytes, declared: str = "application/octet-stream", by: str = "agent", **more: Any
) -> httpx2.Response:
    files = {"file": ("照片.jpg", content, declared)}
    return await site.call("POST", f"/cases/{number}/attachments", by, files=files, **more)


async def attached(site: Site, number: str, content: bytes) -> str:
    answer = await attach(site, number, content)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["sha256"])


async def refusal(answer: httpx2.Response) -> tuple[int, str]:
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["detail"]
    assert problem["detail_zh"]
    return answer.status_code, problem["code"]


def test_there_is_a_sample_of_every_kind() -> None:
    assert SAMPLES.keys() == {kind.media_type for kind in KINDS}


async def test_a_file_of_each_kind_is_taken_and_comes_back_as_it_was(each_site: Site) -> None:
    number = await each_site.receive()
    for media_type, content in SAMPLES.items():
        digest = await attached(each_site, number, content)
        answer = await each_site.call("GET", f"/cases/{number}/attachments/{digest}", "supervisor")
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["Content-Type"] == media_type
        extension = next(kind.extension for kind in KINDS if kind.media_type == media_type)
        name = f"{number}-{digest[:8]}.{extension}"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert (answer.headers["X-Content-Type-Options"], answer.headers["Cache-Control"]) == ("nosniff", "no-store")
    listed = await each_site.get(f"/cases/{number}/attachments", "admin")
    assert [(line["media_type"], line["size"]) for line in listed] == [(t, len(c)) for t, c in SAMPLES.items()]
    assert {line["by"] for line in listed} == {"agent"}


@pytest.mark.parametrize("kind", IMPOSTORS)
async def test_the_name_and_the_declared_type_deceive_nobody(site: Site, kind: str) -> None:
    number = await site.receive()
    for declared in ("image/jpeg", "audio/mpeg", "application/octet-stream", ""):
        assert await refusal(await attach(site, number, IMPOSTORS[kind], declared)) == (415, "file_type")
    assert await site.get(f"/cases/{number}/attachments") == []


async def test_a_declared_type_that_the_content_contradicts_is_refused(site: Site) -> None:
    number = await site.receive()
    for declared in ("image/png", "text/html", "video/mp4"):
        assert await refusal(await attach(site, number, JPEG, declared)) == (415, "file_type")
    for declared in ("image/jpeg", "image/jpg", "IMAGE/JPEG; charset=binary"):
        assert (await attach(site, number, JPEG, declared)).status_code in (200, 201)


async def test_the_same_file_again_is_the_same_file(each_site: Site) -> None:
    number, other = await each_site.receive(), await each_site.receive()
    first = await attach(each_site, number, JPEG)
    again = await attach(each_site, number, JPEG, by="dispatcher")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["Location"] == f"/cases/{number}/attachments/{sha256(JPEG).hexdigest()}"
    assert (await attach(each_site, other, JPEG)).status_code == 201
    assert len(await each_site.get(f"/cases/{number}/attachments")) == 1


async def test_a_key_used_for_one_file_is_refused_for_another(site: Site) -> None:
    number = await site.receive()
    assert (await attach(site, number, JPEG, key="k1")).status_code == 201
    assert (await attach(site, number, JPEG, key="k1")).status_code == 200
    assert await refusal(await attach(site, number, JPEG + b"x", key="k1")) == (422, "idempotency_key_reused")


async def test_a_unit_sees_and_attaches_to_its_own_cases_only(each_site: Site) -> None:
    number = await each_site.dispatched("zz-water")
    digest = await attached(each_site, number, JPEG)
    paths = [f"/cases/{number}/attachments", f"/cases/{number}/attachments/{digest}"]
    for path in paths:
        assert (await each_site.call("GET", path, "zz-water")).status_code == 200
        assert await refusal(await each_site.call("GET", path, "zz-heat")) == (404, "no_such_case")
    assert await refusal(await attach(each_site, number, JPEG, by="zz-heat")) == (404, "no_such_case")
    assert (await attach(each_site, number, JPEG + b"x", by="zz-water")).status_code == 201


async def test_a_file_is_read_under_its_own_case_only(site: Site) -> None:
    one, other = await site.receive(), await site.receive()
    digest = await attached(site, one, JPEG + b"only here")
    assert await refusal(await site.call("GET", f"/cases/{other}/attachments/{digest}", "agent")) == (
        404,
        "no_such_file",
    )


async def test_reading_a_file_is_recorded_and_listing_is_not(each_site: Site) -> None:
    number = await each_site.receive()
    digest = await attached(each_site, number, JPEG)
    await each_site.get(f"/cases/{number}/attachments", "callback")
    await each_site.call("GET", f"/cases/{number}/attachments/{digest}", "callback")
    async with each_site.ledger.session() as session:
        reads = (await reads_of(session, number, None, 10)).items
    assert [(read.role, read.what) for read in reads] == [("callback", "attachment")]


@pytest.mark.parametrize("name", ["..%2F..%2Fledger.db", "%2e%2e%2f" * 20, "drafts", "%00", "a" * 63, "A" * 64])
async def test_no_path_leads_out_of_the_store(site: Site, name: str) -> None:
    number = await site.receive()
    answer = await site.call("GET", f"/cases/{number}/attachments/{name}", "agent")
    assert await refusal(answer) in ((404, "not_found"), (422, "malformed"))


async def chunks(head: bytes, size: int) -> AsyncIterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n' + head
    for _ in range(size // 1_000_000):
        yield bytes(1_000_000)
    yield b"\r\n--x--\r\n"


async def stream(site: Site, number: str, head: bytes, size: int) -> httpx2.Response:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    path = f"/cases/{number}/attachments"
    return await site.call("POST", path, "agent", content=chunks(head, size), headers=headers)


async def test_files_have_the_size_of_their_kind_at_most(site: Site) -> None:
    number = await site.receive()
    video = SAMPLES["video/mp4"]
    assert await refusal(await stream(site, number, JPEG, 10_000_000)) == (413, "file_too_large")
    assert (await stream(site, number, video, 11_000_000)).status_code == 201
    assert await refusal(await stream(site, number, video, 50_000_000)) == (413, "file_too_large")
    assert await refusal(await stream(site, number, video, 53_000_000)) == (413, "file_too_large")
    assert len(await site.get(f"/cases/{number}/attachments")) == 1
    assert list((store(site) / "drafts").iterdir()) == []


async def test_a_case_has_twenty_files_at_most_however_they_come(each_site: Site) -> None:
    number = await each_site.receive()
    files = [JPEG + bytes([n]) for n in range(MOST + 4)]
    answers = await asyncio.gather(*(attach(each_site, number, file) for file in files))
    assert sorted(answer.status_code for answer in answers) == [201] * MOST + [409] * 4
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"too_many_files"}
    again = next(file for file, answer in zip(files, answers, strict=True) if answer.status_code == 201)
    assert (await attach(each_site, number, again)).status_code == 200


MULTIPART = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a"\r\n\r\n%s\r\n'


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (MULTIPART, b""),
        (MULTIPART, b"--x--\r\n"),
        (MULTIPART, b"nonsense"),
        (MULTIPART, PART % (b"file", b"") + b"--x--\r\n"),
        (MULTIPART, PART % (b"other", JPEG) + b"--x--\r\n"),
        (MULTIPART, PART % (b"file", JPEG) + PART % (b"file", JPEG) + b"--x--\r\n"),
        (MULTIPART, b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n'),
        (MULTIPART, b"--x\r\nContent-Disposition: form-data\r\n\r\ntext\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x; charset=undefined", PART % (b"\xff", JPEG) + b"--x--\r\n"),
        ("multipart/form-data", PART % (b"file", JPEG) + b"--x--\r\n"),
        ("application/x-www-form-urlencoded", b"file=a"),
        ("application/json", b'{"file": "a"}'),
        ("image/jpeg", JPEG),
        ("", JPEG),
    ],
)
async def test_what_is_no_form_with_one_file_is_malformed(site: Site, media_type: str, body: bytes) -> None:
    number = await site.receive()
    headers = {"Content-Type": media_type}
    answer = await site.call("POST", f"/cases/{number}/attachments", "agent", content=body, headers=headers)
    assert await refusal(answer) == (422, "malformed")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_form_that_breaks_off_is_malformed(site: Site) -> None:
    number = await site.receive()
    body, headers = PART % (b"file", JPEG), {"Content-Type": MULTIPART}
    answer = await site.call("POST", f"/cases/{number}/attachments", "agent", content=body, headers=headers)
    assert await refusal(answer) == (422, "malformed")
    # The form's parser leaves what was begun to the collector, which says so.
    gc.collect()


async def test_a_content_that_was_lost_or_altered_is_never_given_out_and_comes_back_with_its_file(site: Site) -> None:
    number = await site.receive()
    for content, harm in ((JPEG + b"lost", Path.unlink), (JPEG + b"altered", lambda path: path.write_bytes(b"<html>"))):
        digest = await attached(site, number, content)
        path = f"/cases/{number}/attachments/{digest}"
        harm(kept(site, content))
        assert await refusal(await site.call("GET", path, "agent")) == (410, "file_lost")
        assert (await attach(site, number, content)).status_code == 200
        assert (await site.call("GET", path, "agent")).content == content


async def test_a_half_written_draft_is_never_given_out_and_is_forgotten_in_time(site: Site) -> None:
    number = await site.receive()
    await attached(site, number, JPEG)
    content = JPEG + b"draft"
    left = write_draft(store(site), BytesIO(content))
    answer = await site.call("GET", f"/cases/{number}/attachments/{left.sha256}", "agent")
    assert await refusal(answer) == (404, "no_such_file")
    await attached(site, number, JPEG + b"another")
    assert left.path.exists()
    os.utime(left.path, (0, 0))
    await attached(site, number, JPEG + b"a third")
    assert not left.path.exists()


async def test_the_store_is_for_its_owner_only(site: Site) -> None:
    await attached(site, await site.receive(), JPEG)
    everything = [store(site), *store(site).rglob("*")]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in everything}
    assert modes == {(True, 0o700), (False, 0o600)}


async def test_a_store_that_cannot_be_written_is_no_error_of_ours(site: Site) -> None:
    number = await site.receive()
    await attached(site, number, JPEG)
    content = JPEG + b"nowhere to go"
    place = kept(site, content)
    place.mkdir(parents=True)
    try:
        assert await refusal(await attach(site, number, content)) == (503, "try_again")
    finally:
        place.rmdir()
    assert len(await site.get(f"/cases/{number}/attachments")) == 1


async def test_erasing_removes_the_files_that_no_other_case_has(each_site: Site) -> None:
    site = each_site
    one, other = await site.receive(), await site.receive()
    shared, own = JPEG + os.urandom(8), JPEG + os.urandom(8)
    for number, content in ((one, shared), (one, own), (other, shared)):
        await attached(site, number, content)
    async with site.ledger.session() as session:
        assert await remove_attachments(session, store(site), one) == 2
    assert (kept(site, shared).exists(), kept(site, own).exists()) == (True, False)
    assert await site.get(f"/cases/{one}/attachments") == []
    async with site.ledger.session() as session:
        assert await remove_attachments(session, store(site), one) == 0
        assert await remove_attachments(session, store(site), other) == 1
    assert not kept(site, shared).exists()


async def test_a_file_attached_elsewhere_while_it_is_erased_is_whole(each_site: Site) -> None:
    """Whichever comes first, the other case has its file."""
    site = each_site

    async def erase(number: str) -> None:
        async with site.ledger.session() as session:
            await remove_attachments(session, store(site), number)

    for n in range(8):
        one, other = await site.receive(), await site.receive()
        content = JPEG + os.urandom(8)
        await attached(site, one, content)
        answer, _ = await asyncio.gather(attach(site, other, content), erase(one))
        assert answer.status_code == 201, n
        found = await site.call("GET", f"/cases/{other}/attachments/{sha256(content).hexdigest()}", "agent")
        assert found.content == content


async def test_whoever_is_not_to_be_known_is_not_shown_to_the_unit_by_their_files(site: Site) -> None:
    number = await site.dispatched(withhold_identity=True)
    citizens = await attached(site, number, JPEG + b"my house")
    units = (await attach(site, number, JPEG + b"our pipe", by="zz-water")).json()["sha256"]
    assert [file["sha256"] for file in await site.get(f"/cases/{number}/attachments", "zz-water")] == [units]
    for digest, by, status in ((citizens, "zz-water", 404), (citizens, "callback", 200), (units, "zz-water", 200)):
        assert (await site.call("GET", f"/cases/{number}/attachments/{digest}", by)).status_code == status
