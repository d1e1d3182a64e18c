"""TLS to the Temporal server, set up by environment variables alone, against a server with certificates of our own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from trustme import CA, LeafCert

from ledger.database import open_ledger
from settings import ROOT
from temporal.connection import connect
from temporal.tls import EngineMisconfigured, EngineUnreachable
from tests.api.conftest import issue_keys
from tests.keys import CODEC_KEYS, KEYRING
from tests.ports import free_ports
from tests.temporal.gate import Gate

PREFIX = "TEMPORAL_TLS"
CA_FILE, CERTIFICATE, KEY = f"{PREFIX}_SERVER_CA_CERT_PATH", f"{PREFIX}_CLIENT_CERT_PATH", f"{PREFIX}_CLIENT_KEY_PATH"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

Environment = dict[str, str]


def put(folder: Path, name: str, certificate: LeafCert) -> Environment:
    """A client's certificate and key as files, and the variables that name them."""
    certificate.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    certificate.private_key_pem.write_to_path(folder / f"{name}.key")
    return {CERTIFICATE: str(folder / f"{name}.pem"), KEY: str(folder / f"{name}.key")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ca(folder: Path) -> CA:
    made = CA()
    made.cert_pem.write_to_path(folder / "ca.pem")
    return made


@pytest.fixture(scope="module")
def other_ca(folder: Path) -> CA:
    made = CA()
    made.cert_pem.write_to_path(folder / "other-ca.pem")
    return made


@pytest.fixture(scope="module")
def server(engine: str, ca: CA) -> Iterator[str]:
    """Address of a server that wants mutual TLS."""
    with Gate(engine, ca.issue_cert("127.0.0.1"), ca) as gate:
        yield gate.address


@pytest.fixture(scope="module")
def ours(server: str, ca: CA, folder: Path) -> Environment:
    """What a platform team sets."""
    certificate = put(folder, "client", ca.issue_cert("worker@jiesu.example"))
    return {"TEMPORAL_ADDRESS": server, "TEMPORAL_TLS": "true", CA_FILE: str(folder / "ca.pem"), **certificate}


async def refused(environment: Environment) -> str:
    with pytest.raises((EngineMisconfigured, EngineUnreachable)) as told:
        await connect(KEYRING, environment)
    return str(told.value)


async def certainly_refused(environment: Environment) -> str:
    """Trying again would not help."""
    with pytest.raises(EngineMisconfigured) as told:
        await connect(KEYRING, environment)
    return str(told.value)


async def test_a_client_that_the_server_trusts_and_that_trusts_it_is_let_in(ours: Environment) -> None:
    assert await (await connect(KEYRING, ours)).service_client.check_health()


async def test_a_configuration_file_says_the_same(ours: Environment, tmp_path: Path) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text(f"""
        [profile.default]
        address = "{ours["TEMPORAL_ADDRESS"]}"
        [profile.default.tls]
        server_ca_cert_path = "{ours[CA_FILE]}"
        client_cert_path = "{ours[CERTIFICATE]}"
        client_key_path = "{ours[KEY]}"
    """)
    assert await (await connect(KEYRING, {"TEMPORAL_CONFIG_FILE": str(file)})).service_client.check_health()


async def test_a_server_of_another_ca_is_refused(ours: Environment, other_ca: CA, folder: Path) -> None:
    told = await certainly_refused(ours | {CA_FILE: str(folder / "other-ca.pem")})
    assert f"of a CA that we do not trust; check {CA_FILE}." in told


async def test_a_server_of_another_name_is_refused(ours: Environment) -> None:
    told = await certainly_refused(ours | {"TEMPORAL_TLS_SERVER_NAME": "temporal.example"})
    assert "a certificate for another name" in told


async def test_a_server_whose_certificate_has_expired_is_refused(engine: str, ca: CA, ours: Environment) -> None:
    with Gate(engine, ca.issue_cert("127.0.0.1", not_after=LONG_AGO), ca) as gate:
        told = await certainly_refused(ours | {"TEMPORAL_ADDRESS": gate.address})
    assert "a certificate that has expired" in told


async def test_a_server_without_tls_is_told_from_one_that_does_not_answer(engine: str, ours: Environment) -> None:
    assert "does not speak TLS" in await certainly_refused(ours | {"TEMPORAL_ADDRESS": engine})
    (closed,) = free_ports(1)
    told = await refused(ours | {"TEMPORAL_ADDRESS": f"127.0.0.1:{closed}"})
    assert told == f"The Temporal server at 127.0.0.1:{closed} does not answer; is it up, and TEMPORAL_ADDRESS right?"


async def test_a_client_without_certificate_is_refused(server: str, ours: Environment) -> None:
    told = await refused({"TEMPORAL_ADDRESS": server, CA_FILE: ours[CA_FILE]})
    assert f"it may want a client certificate; set {CERTIFICATE} and {KEY}." in told


async def test_a_client_of_another_ca_is_refused(other_ca: CA, folder: Path, ours: Environment) -> None:
    told = await refused(ours | put(folder, "stranger", other_ca.issue_cert("worker@jiesu.example")))
    assert f"it may not trust the issuer of our certificate; check {CERTIFICATE}." in told


async def test_a_client_without_tls_is_refused(server: str) -> None:
    assert "if it wants TLS, set TEMPORAL_TLS." in await refused({"TEMPORAL_ADDRESS": server})


async def test_what_cannot_be_used_is_said_before_anything_is_connected(
    ca: CA, other_ca: CA, folder: Path, ours: Environment, tmp_path: Path
) -> None:
    (tmp_path / "junk").write_text("-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n")
    (tmp_path / "junk.toml").write_text("[profile.default]\napi_key = 'secret\n")
    junk, missing = str(tmp_path / "junk"), str(tmp_path / "missing")
    expired = put(folder, "expired", ca.issue_cert("worker@jiesu.example", not_after=LONG_AGO))
    stranger = put(folder, "stranger", other_ca.issue_cert("worker@jiesu.example"))
    for changes, expected in (
        *(({name: missing}, f"{name}: {missing} cannot be read: No such file") for name in (CA_FILE, CERTIFICATE, KEY)),
        ({KEY: str(tmp_path)}, f"{KEY}: {tmp_path} cannot be read: Is a directory."),
        ({CA_FILE: junk}, f"{CA_FILE}: {junk} holds no certificate in PEM."),
        ({CERTIFICATE: junk}, f"{CERTIFICATE}: {junk} holds no certificate in PEM."),
        ({KEY: junk}, f"{KEY}: {junk} holds no private key without a password in PEM."),
        ({KEY: stranger[KEY]}, f"{KEY} is not the key of the certificate in {CERTIFICATE}."),
        (expired, f"{CERTIFICATE}: the certificate expired on 2020-01-01; have it renewed."),
        ({"TEMPORAL_CONFIG_FILE": str(tmp_path / "junk.toml")}, "Temporal's client settings: "),
    ):
        with pytest.raises(EngineMisconfigured) as told:
            await connect(KEYRING, ours | changes, lazy=True)
        assert expected in str(told.value)
        assert "secret" not in str(told.value)
        assert "\n" not in str(told.value)
    with pytest.raises(EngineMisconfigured, match="only one of them is set"):
        await connect(KEYRING, {name: value for name, value in ours.items() if name != KEY}, lazy=True)


class Installation:
    """A worker and an API as real processes, told by the environment alone where and how to find the engine."""

    def __init__(self, stack: ExitStack, ledger_url: str, home: Path) -> None:
        self._stack, self._home = stack, home
        (self.port,) = free_ports(1)
        self._common = os.environ | {
            "JIESU_DATABASE_URL": ledger_url,
            "JIESU_HOME": str(home),
            "JIESU_TASK_QUEUE": "tls",
            "JIESU_CODEC_KEYS": CODEC_KEYS,
        }

    def worker(self, engine: Environment) -> subprocess.Popen[bytes]:
        return self._start("worker", [sys.executable, "-m", "worker"], engine)

    def api(self, engine: Environment) -> subprocess.Popen[bytes]:
        return self._start("api", [sys.executable, "-m", "api", "--port", str(self.port)], engine)

    def log(self, name: str) -> str:
        return (self._home / f"{name}.log").read_text()

    async def until_ready(self, status: int = 200) -> None:
        """Wait until /ready answers with `status`."""
        async with asyncio.timeout(60), httpx2.AsyncClient(trust_env=False) as http:
            while True:
                try:
                    if (await http.get(f"http://127.0.0.1:{self.port}/ready")).status_code == status:
                        return
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(0.1)

    def _start(self, name: str, command: list[str], engine: Environment) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self._home / f"{name}.log").open("wb"))
        environment = {**self._common, **engine}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "ledger.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def installation(sqlite_url: str, tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        yield Installation(stack, sqlite_url, tmp_path)


async def test_a_case_goes_through_under_mutual_tls(
    sandbox_city: dict[str, str], installation: Installation, sqlite_url: str, ours: Environment
) -> None:
    ledger = open_ledger(sqlite_url)
    keys = await issue_keys(ledger)
    await ledger.close()
    installation.worker(ours)
    installation.api(ours)
    await installation.until_ready()
    async with httpx2.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{installation.port}") as http:

        async def post(path: str, by: str, **body: object) -> dict[str, str]:
            answer = await http.post(path, json=body, headers={"Authorization": f"Bearer {keys[by]}"}, timeout=20)
            assert answer.is_success, answer.text
            taken: dict[str, str] = answer.json()
            return taken

        number = (await post("/cases", "agent", text="家里自来水水压变小", phone="13800000000"))["number"]
        await post(f"/cases/{number}/dispatch", "dispatcher", lead="zz-water")
        await post(f"/cases/{number}/sign-in", "zz-water")
        await post(f"/cases/{number}/submit-result", "zz-water", text="阀门已打开，水压恢复。")
        closed = await post(
            f"/cases/{number}/call-back", "callback", reached=True, rating=5, solved=True, contacted=True
        )
    assert closed["status"] == "closed"


def test_a_worker_that_does_not_trust_the_server_ends_at_once(
    installation: Installation, ours: Environment, other_ca: CA, folder: Path
) -> None:
    worker = installation.worker(ours | {CA_FILE: str(folder / "other-ca.pem")})
    assert worker.wait(60) == 1
    assert installation.log("worker").rstrip().endswith(f"a CA that we do not trust; check {CA_FILE}.")
    assert "Traceback" not in installation.log("worker")


def test_an_api_without_its_key_file_does_not_start(
    installation: Installation, ours: Environment, tmp_path: Path
) -> None:
    assert installation.api(ours | {KEY: str(tmp_path / "gone.key")}).wait(60) != 0
    assert f"cannot start: {KEY}: {tmp_path / 'gone.key'} cannot be read: No such file" in installation.log("api")
    assert "Traceback" not in installation.log("api")


async def test_an_api_that_does_not_trust_the_server_says_so_when_asked_whether_it_is_ready(
    installation: Installation, ours: Environment, other_ca: CA, folder: Path
) -> None:
    installation.api(ours | {CA_FILE: str(folder / "other-ca.pem")})
    await installation.until_ready(503)
    assert f"a CA that we do not trust; check {CA_FILE}." in installation.log("api")
