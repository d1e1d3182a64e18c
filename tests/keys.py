"""The keys with which tests encrypt what the engine keeps, and how their clients and workers write."""

from base64 import b64encode
from hashlib import sha256

from temporalio.client import WorkflowHistory

from bench.codec import payloads_of
from temporal.codec import Cipher, converter
from temporal.keyring import Keyring, parse_keys

CODEC_KEYS = f"test:{b64encode(sha256(b'tests').digest()).decode()}"
KEYRING = Keyring(parse_keys(CODEC_KEYS, "tests"))
CONVERTER = converter(KEYRING)


async def opened(history: WorkflowHistory) -> WorkflowHistory:
    """The history, with every payload decoded in its place."""
    for event in history.events:
        for payload in payloads_of(event):
            [plain] = await Cipher(KEYRING).decode([payload])
            payload.CopyFrom(plain)
    return history
