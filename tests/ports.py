"""Free ports for tests: below those the system hands out by itself, so that no other connection takes one meanwhile."""

import socket
from contextlib import ExitStack, suppress
from random import SystemRandom


def free_run(count: int) -> int:
    """The first of so many free ports in a row."""
    while True:
        first = SystemRandom().randrange(20_000, 30_000)
        with ExitStack() as held, suppress(OSError):
            for port in range(first, first + count):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


def free_ports(count: int) -> list[int]:
    """So many different free ports."""
    first = free_run(count)
    return list(range(first, first + count))
