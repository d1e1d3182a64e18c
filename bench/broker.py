"""A broker of one's own on loopback: with passwords, with TLS if given a certificate, and with a memory on disk."""

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.mosquitto import mosquitto

HOST = "127.0.0.1"
POLL = 0.02


@dataclass(frozen=True)
class Certificate:
    """PEM files by which a broker shows who it is."""

    chain: Path
    key: Path


class Broker:
    """mosquitto on `port` of loopback, keeping what it must not forget in `folder`; `users` are names and passwords.

    `more` are further lines of its configuration. Raises NoMosquitto.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        users: Mapping[str, str],
        certificate: Certificate | None = None,
        more: Sequence[str] = (),
    ) -> None:
        self.port = port
        self._programs = mosquitto()
        self._folder, self._log = folder, folder / "mosquitto.log"
        self._running: asyncio.subprocess.Process | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text("\n".join([*self._lines(certificate), *more, ""]), encoding="utf-8")
        for name, password in users.items():
            self._set_password(name, password)

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        with self._log.open("ab") as log:
            self._running = await asyncio.create_subprocess_exec(
                self._programs.broker, "-c", self._configuration,
                env=os.environ | self._programs.environment, stdout=log, stderr=log,
            )  # fmt: skip
        while not await self._listens():
            if self._running.returncode is not None:
                raise RuntimeError(f"mosquitto ended instead of starting; see {self._log}")
            await asyncio.sleep(POLL)

    async def stop(self) -> None:
        """Have it write down what it must not forget, and end. Harmless when it is not running."""
        if self._running is not None:
            with suppress(ProcessLookupError):
                self._running.terminate()
            await self._running.wait()

    async def kill(self) -> None:
        """End it by SIGKILL."""
        if self._running is not None:
            self._running.kill()
            await self._running.wait()

    def log(self) -> str:
        """What it has written to its log."""
        return self._log.read_text(encoding="utf-8")

    def _lines(self, certificate: Certificate | None) -> list[str]:
        lines = [
            f"listener {self.port} {HOST}",
            "user root",
            "allow_anonymous false",
            f"password_file {self._password_file}",
            "persistence true",
            f"persistence_location {self._folder}/",
            "max_queued_messages 0",
            "max_inflight_messages 0",
            "set_tcp_nodelay true",
        ]
        if certificate is not None:
            lines += [f"certfile {certificate.chain}", f"keyfile {certificate.key}"]
        return lines

    @property
    def _password_file(self) -> Path:
        return self._folder / "passwords"

    def _set_password(self, name: str, password: str) -> None:
        self._password_file.touch(mode=0o600)
        subprocess.run(  # noqa: S603 (our own words)
            [self._programs.passwords, "-b", self._password_file, name, password],
            check=True, capture_output=True, env=os.environ | self._programs.environment,
        )  # fmt: skip

    async def _listens(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, self.port)
            writer.close()
            return True
        return False
