"""Worker and API as processes of their own: without keys of their own they do not start, and say what to do."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from settings import ROOT
from temporal.keyring import rotate

COMMANDS = {
    "worker": ["-m", "worker"],
    "api": ["-m", "api", "--port", "0"],
    "jiesu calendar apply": ["-m", "cli", "calendar", "apply"],
}


def refusal(command: list[str], home: Path, **values: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JIESU_", "TEMPORAL_"))}
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT, env=kept | {"JIESU_HOME": str(home)} | values, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode not in (0, None), ended.stderr
    assert "Traceback" not in ended.stderr
    [sentence] = [line for line in ended.stderr.splitlines() if "key" in line]
    return sentence


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_without_keys_it_says_what_to_set_and_how_to_make_it(command: list[str], tmp_path: Path) -> None:
    sentence = refusal(command, tmp_path)
    assert "There are no keys for the payload codec: set JIESU_CODEC_KEYS, or JIESU_CODEC_KEYS_FILE" in sentence
    assert "`jiesu codec key`" in sentence


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_file_of_keys_that_others_may_read_is_refused(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "codec.keys"
    rotate(path)
    path.chmod(0o604)
    assert f"{path}: other users may read or write these keys" in refusal(command, tmp_path)


def test_a_key_that_is_no_secret_is_refused(tmp_path: Path) -> None:
    sentence = refusal(COMMANDS["worker"], tmp_path, JIESU_CODEC_KEYS=f"default:{'A' * 43}=")
    assert "JIESU_CODEC_KEYS: key default is not random" in sentence
    assert "AAAA" not in sentence


def test_a_fresh_key_is_printed_alone_and_a_rotation_names_the_key_that_encrypts_now(tmp_path: Path) -> None:
    def jiesu(*words: str) -> str:
        command = [sys.executable, "-m", "cli", "codec", *words]
        environment = os.environ | {"JIESU_HOME": str(tmp_path)}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    [line] = jiesu("key").splitlines()
    assert line.count(":") == 1
    jiesu("rotate")
    said = jiesu("rotate")
    first, second = (tmp_path / "codec.keys").read_text().splitlines()
    assert first.partition(":")[0] in said
    assert second.partition(":")[2] not in said


@pytest.mark.parametrize("command", [COMMANDS["worker"], COMMANDS["api"]], ids=["worker", "api"])
async def test_on_a_ledger_without_tables_it_says_how_to_make_them(
    command: list[str], tmp_path: Path, engine: str
) -> None:
    rotate(tmp_path / "codec.keys")
    values = {"JIESU_HOME": str(tmp_path), "TEMPORAL_ADDRESS": engine}
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, *command],
        cwd=ROOT, env=os.environ | values, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode not in (0, None)
    assert "run `jiesu migrate`" in ended.stderr
    assert "Traceback" not in ended.stderr
