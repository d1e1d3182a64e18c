"""The payload codec: everything that the engine is given to keep is encrypted with AES-256-GCM."""

import os
from collections.abc import Sequence
from dataclasses import replace

from cryptography.exceptions import InvalidTag
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from temporal.keyring import Keyring, Unopened
from workflows.names import UNENCRYPTED

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
NONCE_BYTES = 12


class Undecodable(Unopened):
    """A payload is damaged, or not as its key left it."""

    def __init__(self) -> None:
        super().__init__("A payload was changed since it was encrypted, or its key is another of the same id.")


class Cipher(PayloadCodec):
    """Encrypts with the first key of a keyring and decrypts with any.

    A payload's key id travels with it, bound to it as associated data. What is not encrypted, such as a history from
    before there was a codec, is passed on as it is.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt."""
        id, cipher = self._keyring.first()
        bound, metadata = id.encode(), {"encoding": ENCODING, KEY_ID: id.encode()}

        def encrypt(payload: Payload) -> Payload:
            nonce = os.urandom(NONCE_BYTES)
            return Payload(metadata=metadata, data=nonce + cipher.encrypt(nonce, payload.SerializeToString(), bound))

        return [encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt. Raises as `decrypt` does."""
        return self.decrypt(payloads)

    def decrypt(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt in the calling thread, which is blocked until that is done.

        Raises UnknownKey or Undecodable, neither of which carries anything of a payload but its key id.
        """
        return [
            self._decrypt(payload) if payload.metadata.get("encoding") == ENCODING else self._passed_on(payload)
            for payload in payloads
        ]

    def _passed_on(self, payload: Payload) -> Payload:
        return payload

    def _decrypt(self, payload: Payload) -> Payload:
        id = payload.metadata.get(KEY_ID, b"")
        cipher = self._keyring.find(id.decode(errors="replace"))
        try:
            return Payload.FromString(cipher.decrypt(payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:], id))
        except (InvalidTag, ValueError):
            raise Undecodable from None


class WaryCipher(Cipher):
    """As our clients and workers decode: what came unencrypted is marked, so that no step is taken on its word."""

    def _passed_on(self, payload: Payload) -> Payload:
        return Payload(metadata={**payload.metadata, UNENCRYPTED: b""}, data=payload.data)


def converter(keyring: Keyring) -> DataConverter:
    """How every client and worker of ours writes and reads: Pydantic models, encrypted, failures included."""
    return replace(
        pydantic_data_converter,
        payload_codec=WaryCipher(keyring),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
