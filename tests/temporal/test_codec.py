"""Payloads: what is encrypted comes back, and nothing else does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from settings import ROOT
from temporal.codec import Cipher, Undecodable
from temporal.keyring import KeyFile, Keyring, UnknownKey, rotate
from tests.keys import CONVERTER, KEYRING

PLAIN = Payload(metadata={"encoding": b"json/plain"}, data="丰庆佳苑3号楼".encode())
OTHER = Keyring({"test": bytes(range(32))})

# Another process, which encrypts the words on its standard input line by line with the keys of a file.
WRITER = """
import asyncio, sys
from pathlib import Path
from temporalio.api.common.v1 import Payload
from temporal.codec import Cipher
from temporal.keyring import KeyFile
cipher = Cipher(KeyFile(Path(sys.argv[1])))
for line in sys.stdin:
    [payload] = asyncio.run(cipher.encode([Payload(data=line.strip().encode())]))
    print(payload.SerializeToString().hex(), flush=True)
"""


async def encrypted(payload: Payload = PLAIN) -> Payload:
    [found] = await Cipher(KEYRING).encode([payload])
    return found


async def test_a_payload_comes_back_as_it_was_and_is_unreadable_in_between() -> None:
    payload = await encrypted()
    assert dict(payload.metadata) == {"encoding": b"binary/encrypted", "encryption-key-id": b"test"}
    assert "丰庆佳苑".encode() not in payload.data
    assert await Cipher(KEYRING).decode([payload]) == [PLAIN]


async def test_the_same_payload_never_looks_the_same() -> None:
    assert (await encrypted()).data != (await encrypted()).data


async def test_payloads_from_before_there_was_a_codec_pass_unchanged() -> None:
    assert await Cipher(KEYRING).decode([PLAIN, await encrypted(), Payload()]) == [PLAIN, PLAIN, Payload()]


@pytest.mark.parametrize("place", [0, 11, 12, 40, -1])
async def test_a_changed_bit_is_noticed(place: int) -> None:
    payload = await encrypted()
    data = bytearray(payload.data)
    data[place] ^= 1
    payload.data = bytes(data)
    with pytest.raises(Undecodable):
        await Cipher(KEYRING).decode([payload])


@pytest.mark.parametrize("length", [0, 5, 12, 20])
async def test_a_cut_payload_is_noticed(length: int) -> None:
    payload = await encrypted()
    payload.data = payload.data[:length]
    with pytest.raises(Undecodable):
        await Cipher(KEYRING).decode([payload])


async def test_another_key_of_the_same_id_opens_nothing() -> None:
    with pytest.raises(Undecodable):
        await Cipher(OTHER).decode([await encrypted()])


async def test_the_key_id_belongs_to_the_payload() -> None:
    same = bytes(range(32))
    both = Keyring({"test": same, "alias": same})
    [payload] = await Cipher(both).encode([PLAIN])
    payload.metadata["encryption-key-id"] = b"alias"
    with pytest.raises(Undecodable):
        await Cipher(both).decode([payload])


@pytest.mark.parametrize(("id", "told"), [(b"retired-1", "no key retired-1;"), ("张三\n".encode(), "of that name;")])
async def test_an_unknown_key_is_named_without_the_payload(id: bytes, told: str) -> None:
    payload = await encrypted()
    payload.metadata["encryption-key-id"] = id
    with pytest.raises(UnknownKey, match=told) as error:
        await Cipher(KEYRING).decode([payload])
    assert len(str(error.value)) < 120


async def test_a_failure_keeps_message_and_stack_trace_to_itself() -> None:
    found = Failure()
    try:
        raise ApplicationError("丰庆佳苑3号楼", "13800000000", type="refused")
    except ApplicationError as error:
        await CONVERTER.encode_failure(error, found)
    assert "丰庆佳苑" not in str(found)
    assert "丰庆佳苑".encode() not in found.SerializeToString()
    assert (found.message, found.stack_trace) == ("Encoded failure", "")
    back = await CONVERTER.decode_failure(found)
    assert isinstance(back, ApplicationError)
    assert (back.message, list(back.details)) == ("丰庆佳苑3号楼", ["13800000000"])


async def test_a_rotation_in_the_midst_of_things_stops_no_process(tmp_path: Path) -> None:
    path = tmp_path / "codec.keys"
    ids = [rotate(path)]
    reader = Cipher(KeyFile(path))
    with subprocess.Popen(  # noqa: ASYNC220 (a line goes in, a line comes out)
        [sys.executable, "-c", WRITER, str(path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as writer:  # fmt: skip
        assert writer.stdin is not None
        assert writer.stdout is not None
        for turn in range(3):
            writer.stdin.write(f"{turn}\n")
            writer.stdin.flush()
            payload = Payload.FromString(bytes.fromhex(writer.stdout.readline()))
            assert payload.metadata["encryption-key-id"] == ids[-1].encode()
            [back] = await reader.decode([payload])
            assert json.loads(back.data) == turn
            ids.append(rotate(path))
        writer.stdin.close()
