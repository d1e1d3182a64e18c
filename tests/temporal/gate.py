"""A gate in front of a Temporal server that speaks TLS and wants a client certificate: the embedded server cannot."""

import socket
import ssl
from contextlib import suppress
from select import select
from threading import Thread

from trustme import CA, LeafCert


class Gate:
    """Listens on `address` and passes on to `target` what comes from holders of a certificate of `ca`."""

    def __init__(self, target: str, certificate: LeafCert, ca: CA) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.verify_mode = ssl.CERT_REQUIRED
        self._tls.set_alpn_protocols(["h2"])
        certificate.configure_cert(self._tls)
        ca.configure_trust(self._tls)

    def __enter__(self) -> "Gate":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # A close alone would not wake the thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                Thread(target=self._admit, args=[self._listener.accept()[0]], daemon=True).start()

    def _admit(self, raw: socket.socket) -> None:
        with (
            suppress(OSError),
            raw,
            self._tls.wrap_socket(raw, server_side=True) as near,
            socket.create_connection(self._target) as far,
        ):
            _pass_on(near, far)


def _pass_on(near: ssl.SSLSocket, far: socket.socket) -> None:
    """Both ways, until one side ends."""
    while True:
        ready = [near] if near.pending() else select([near, far], [], [])[0]
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (far if source is near else near).sendall(data)
