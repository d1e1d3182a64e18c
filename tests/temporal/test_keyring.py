"""Keys: where they come from, what is refused, and how a new one takes over while processes run."""

import os
import stat
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from settings import ROOT, Settings
from temporal.keyring import (
    KeyFile,
    KeyringError,
    UnknownKey,
    file_to_rotate,
    new_key,
    open_keyring,
    parse_keys,
    read_keys,
    rotate,
)

RANDOM = b64encode(bytes(range(7, 39))).decode()

ROTATE_ON_FULL_DISK = """
import resource, sys
from pathlib import Path
from temporal.keyring import KeyringError, rotate
resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
try:
    rotate(Path(sys.argv[1]))
except KeyringError as error:
    print(error)
"""


def first(keyring: KeyFile) -> str:
    return keyring.first()[0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "there is no key in it; make a key with `jiesu codec key`"),
        (RANDOM, "key 1 is not of the form id:base64"),
        (f"a:{RANDOM} b:", "key 2 is not of the form id:base64"),
        (f"钥匙:{RANDOM}", "key 1 is not of the form id:base64"),
        ("a:not-base64!", "key a is not base64"),
        (f"a:{b64encode(b'short').decode()}", "key a has 5 bytes instead of 32"),
        (f"a:{RANDOM}\na:{RANDOM}", "key id a is there twice"),
        (f"a:{b64encode(bytes(32)).decode()}", "key a is not random"),
        (f"a:{b64encode(b'changeme' * 4).decode()}", "key a is not random"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_in_one_sentence_that_quotes_none(text: str, complaint: str) -> None:
    with pytest.raises(KeyringError) as refusal:
        parse_keys(text, "JIESU_CODEC_KEYS")
    assert str(refusal.value).startswith(f"JIESU_CODEC_KEYS: {complaint}")
    assert not any(word.partition(":")[2] in str(refusal.value) for word in text.split() if ":" in word[:-1])


def test_a_fresh_key_is_accepted_and_like_no_other() -> None:
    keys = parse_keys(f"{new_key()} {new_key()}", "test")
    assert len(set(keys.values())) == 2


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codec.keys"
    rotate(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(KeyringError, match=rf"other users may read or write these keys; say `chmod 600 {path}`"):
        KeyFile(path)


def test_without_any_keys_it_is_told_what_to_set_and_how_to_make_it(tmp_path: Path) -> None:
    sentence = "set JIESU_CODEC_KEYS, or JIESU_CODEC_KEYS_FILE .* does not exist.*jiesu codec key.*jiesu codec rotate"
    with pytest.raises(KeyringError, match=sentence):
        open_keyring(Settings(home=tmp_path))


def test_keys_from_two_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="both set"):
        open_keyring(Settings(codec_keys=new_key(), codec_keys_file=tmp_path / "keys"))  # type: ignore[arg-type]


def test_keys_of_the_environment_are_not_rotated_in_a_file() -> None:
    with pytest.raises(KeyringError, match="add the line of `jiesu codec key` at its end in every process"):
        file_to_rotate(Settings(codec_keys=new_key()))  # type: ignore[arg-type]


def test_the_first_key_of_the_environment_encrypts_and_the_others_decrypt() -> None:
    one, two = new_key(), new_key()
    keyring = open_keyring(Settings(codec_keys=f"{one} {two}"))  # type: ignore[arg-type]
    assert keyring.first()[0] == one.partition(":")[0]
    keyring.find(two.partition(":")[0])


def test_a_rotation_is_noticed_by_whoever_encrypts_and_by_whoever_decrypts(tmp_path: Path) -> None:
    path = tmp_path / "codec.keys"
    old = rotate(path)
    writer, reader = KeyFile(path), KeyFile(path)
    assert first(writer) == old
    new = rotate(path)
    assert first(writer) == new
    reader.find(new)
    reader.find(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"codec.keys", "codec.keys.lock"}


def test_a_retired_key_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "codec.keys"
    old = rotate(path)
    rotate(path)
    keyring = KeyFile(path)
    path.write_text(path.read_text().splitlines()[0])
    first(keyring)
    with pytest.raises(UnknownKey, match=f"has no key {old};"):
        keyring.find(old)


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.write_text("nonsense"), os.remove, lambda path: path.chmod(0o644)],
    ids=["malformed", "gone", "readable by all"],
)
def test_a_file_spoilt_while_we_run_leaves_us_the_keys_we_have(
    tmp_path: Path, spoil: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "codec.keys"
    id = rotate(path)
    keyring = KeyFile(path)
    path.touch()
    spoil(path)
    for _ in range(3):
        assert first(keyring) == id
    assert caplog.text.count("the keys read before stay in use") <= 1
    if path.exists() and path.stat().st_mode & 0o077 == 0:
        assert rotate_refuses(path)


def test_rotations_at_the_same_time_lose_no_key(tmp_path: Path) -> None:
    path = tmp_path / "codec.keys"
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(rotate, [path] * 24))
    assert set(read_keys(path)) == set(made)


def test_a_rotation_on_a_full_disk_changes_nothing_and_is_in_nobodys_way_later(tmp_path: Path) -> None:
    path = tmp_path / "codec.keys"
    old = rotate(path)
    failed = subprocess.run([sys.executable, "-c", ROTATE_ON_FULL_DISK, path], cwd=ROOT, capture_output=True, text=True)
    assert failed.stdout == f"{path}: cannot be written (File too large).\n", failed.stderr
    assert list(read_keys(path)) == [old]
    new = rotate(path)
    assert list(read_keys(path)) == [new, old]


def test_a_file_that_cannot_be_written_is_told_in_one_sentence() -> None:
    path = Path("/proc/nowhere/codec.keys")
    with pytest.raises(KeyringError, match=rf"^{path}: cannot be written \(No such file or directory\)\.$"):
        rotate(path)


def rotate_refuses(path: Path) -> bool:
    with pytest.raises(KeyringError):
        rotate(path)
    return True
