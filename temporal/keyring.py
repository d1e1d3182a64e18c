"""The keys of the payload codec: several by id, so that a new one can follow an old one while cases run."""

import base64
import binascii
import logging
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes, token_hex

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from filelock import FileLock

from durable import replace
from settings import Settings

log = logging.getLogger("jiesu.codec")

KEY_BYTES = 32
ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
ANYBODY_ELSE = 0o077

HOW = "make a key with `jiesu codec key`, or a file of keys with `jiesu codec rotate`"


class KeyringError(ValueError):
    """Keys that cannot be used; reads as one sentence that names where they are from, never a key."""


class Unopened(Exception):
    """A payload cannot be decrypted here."""


class UnknownKey(Unopened):
    """A payload is encrypted with a key that this keyring does not have."""

    def __init__(self, id: str) -> None:
        name = id if ID.fullmatch(id) else "of that name"
        super().__init__(f"The codec has no key {name}; a key must stay as long as a history may need it.")


class Keyring:
    """Keys by id: the first encrypts, all decrypt."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = _ciphers(keys)

    def first(self) -> tuple[str, AESGCM]:
        """Id and cipher of the key that encrypts."""
        return next(iter(self._ciphers.items()))

    def find(self, id: str) -> AESGCM:
        """The cipher of a key. Raises UnknownKey."""
        if id not in self._ciphers:
            raise UnknownKey(id)
        return self._ciphers[id]


class KeyFile(Keyring):
    """The keys of a file, read again whenever it has changed: a rotation needs no restart.

    A change that makes the file unusable is logged, and the keys read before stay in use.
    Raises KeyringError when it is unusable from the start, or open to other users of the machine.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._seen = path, _stamp(path)
        super().__init__(read_keys(path))

    def first(self) -> tuple[str, AESGCM]:
        self._refresh()
        return super().first()

    def find(self, id: str) -> AESGCM:
        if id not in self._ciphers:
            self._refresh()
        return super().find(id)

    def _refresh(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._ciphers = _ciphers(read_keys(self._path))
        except KeyringError as error:
            log.error("the keys read before stay in use: %s", error)


def open_keyring(settings: Settings) -> Keyring:
    """The keyring of an installation: of its environment, or else of its file. Raises KeyringError."""
    if settings.codec_keys is None:
        return KeyFile(keys_file(settings))
    if settings.codec_keys_file is not None:
        raise KeyringError("JIESU_CODEC_KEYS and JIESU_CODEC_KEYS_FILE are both set; set one of them.")
    return Keyring(parse_keys(settings.codec_keys.get_secret_value(), "JIESU_CODEC_KEYS"))


def file_to_rotate(settings: Settings) -> Path:
    """The file of keys. Raises KeyringError when keys come from the environment."""
    if settings.codec_keys is not None:
        raise KeyringError(
            "The keys are in JIESU_CODEC_KEYS: add the line of `jiesu codec key` at its end in every process, and only "
            "then move it to the front."
        )
    return keys_file(settings)


def keys_file(settings: Settings) -> Path:
    """Where the file of keys is, if keys come from a file."""
    return settings.codec_keys_file or settings.home.resolve() / "codec.keys"


def new_key() -> str:
    """A fresh random key as a line `id:base64`; its id begins with today's date (UTC)."""
    return f"{datetime.now(UTC):%Y%m%d}-{token_hex(3)}:{base64.b64encode(token_bytes(KEY_BYTES)).decode()}"


def rotate(path: Path) -> str:
    """Put a fresh key in front of those of a file, made if there is none, and return its id. Raises KeyringError.

    The file is replaced as a whole: whoever reads it sees the old keys or the new ones. Rotations at the same time
    follow one another.
    """
    line = new_key()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f"{path.name}.lock")):
            _prepend(line, path)
    except OSError as error:
        raise KeyringError(f"{path}: cannot be written ({error.strerror}).") from None
    return line.partition(":")[0]


def _prepend(line: str, path: Path) -> None:
    old = path.read_text(encoding="ascii") if path.exists() and read_keys(path) else ""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(f"{line}\n{old}")
        file.flush()
        os.fsync(file.fileno())
    replace(draft, path)


def read_keys(path: Path) -> dict[str, bytes]:
    """The keys of a file that is its owner's alone. Raises KeyringError."""
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise KeyringError(
            f"There are no keys for the payload codec: set JIESU_CODEC_KEYS, or JIESU_CODEC_KEYS_FILE ({path} does not "
            f"exist); {HOW}."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise KeyringError(f"{path}: cannot be read ({type(error).__name__}).") from None
    if mode & ANYBODY_ELSE:
        raise KeyringError(f"{path}: other users may read or write these keys; say `chmod 600 {path}`.")
    return parse_keys(text, str(path))


def parse_keys(text: str, source: str) -> dict[str, bytes]:
    """The keys of `id:base64 …`, separated by blanks or lines. Raises KeyringError, which never quotes a key."""
    keys: dict[str, bytes] = {}
    for count, word in enumerate(text.split(), start=1):
        id, _, encoded = word.partition(":")
        if not ID.fullmatch(id) or not encoded:
            raise KeyringError(f"{source}: key {count} is not of the form id:base64; {HOW}.")
        if id in keys:
            raise KeyringError(f"{source}: key id {id} is there twice; give every key an id of its own.")
        keys[id] = _decoded(encoded, f"{source}: key {id}")
    if not keys:
        raise KeyringError(f"{source}: there is no key in it; {HOW}.")
    return keys


def _ciphers(keys: Mapping[str, bytes]) -> dict[str, AESGCM]:
    return {id: AESGCM(key) for id, key in keys.items()}


def _decoded(encoded: str, which: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise KeyringError(f"{which} is not base64; {HOW}.") from None
    if len(key) != KEY_BYTES:
        raise KeyringError(f"{which} has {len(key)} bytes instead of {KEY_BYTES}; {HOW}.")
    # A random key practically never has so few different bytes; words and repetitions do.
    if len(set(key)) < KEY_BYTES // 2:
        raise KeyringError(f"{which} is not random; {HOW}.")
    return key


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced or written."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
