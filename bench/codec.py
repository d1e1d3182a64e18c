"""`jiesu bench codec`: what it costs that everything the engine keeps is encrypted.

The same ordinary cases as those of `jiesu bench case` run in turns on one server: with the codec, and on another worker
without.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from bench.case import SAMPLES, TURNS, Bench, Figures, Say, batch, cost, on_fresh_stack
from bench.plain import TASK_QUEUE, connect_plainly
from sandbox.system import temporal_address
from settings import Settings

REPETITIONS = 50
"""Times that the payloads of a case are encoded and decoded; the median counts."""


@dataclass(frozen=True)
class Result(Figures):
    """What was measured: `plain` without the codec, all others with it."""

    cases: int
    bytes: int
    """History size of an ordinary case: the median of those seen."""
    plain_bytes: int
    payloads: int
    """Payloads in the history of one case."""
    encode_ms: float
    """To encode all payloads of one case once."""
    decode_ms: float
    lifecycles_per_s: float
    plain_per_s: float


def run(settings: Settings, cases: int, say: Say) -> Result:
    """Measure on a fresh stack of its own; `say` is told how it goes. Raises StackError when it cannot start."""
    return on_fresh_stack(settings, say, "bench.plain", lambda bench, own: _measure(bench, own, cases, say))


async def _measure(bench: Bench, settings: Settings, cases: int, say: Say) -> Result:
    plain = replace(bench, client=await connect_plainly(temporal_address(settings)), task_queue=TASK_QUEUE)
    await batch(bench.case, 4)
    await batch(plain.case, 4)
    handles = [await bench.case() for _ in range(SAMPLES)]
    size = median([(await cost(handle))[1] for handle in handles])
    plain_size = median([(await cost(await plain.case()))[1] for _ in range(SAMPLES)])
    codec = bench.client.data_converter.payload_codec
    assert codec is not None, "every client of ours has one"
    payloads = [payload for event in (await handles[0].fetch_history()).events for payload in payloads_of(event)]
    encode, decode = await _times(codec, payloads)
    say(f"one case: {size:.0f} bytes, {plain_size:.0f} without the codec; {len(payloads)} payloads")
    ours = plainly = 0.0
    for turn in range(TURNS):
        count = cases // TURNS + (turn < cases % TURNS)
        ours += await batch(bench.case, count)
        plainly += await batch(plain.case, count)
        say(f"turn {turn + 1} of {TURNS} done")
    return Result(
        cases=cases,
        bytes=int(size),
        plain_bytes=int(plain_size),
        payloads=len(payloads),
        encode_ms=encode * 1000,
        decode_ms=decode * 1000,
        lifecycles_per_s=cases / ours,
        plain_per_s=cases / plainly,
    )


async def _times(codec: PayloadCodec, payloads: list[Payload]) -> tuple[float, float]:
    """Seconds to encode and to decode payloads one by one, as they come in the life of a case."""
    encoding, decoding = [], []
    opened = await codec.decode(payloads)
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        for payload in opened:
            await codec.encode([payload])
        between = time.perf_counter()
        for payload in payloads:
            await codec.decode([payload])
        encoding.append(between - started)
        decoding.append(time.perf_counter() - between)
    return median(encoding), median(decoding)


def payloads_of(message: Message) -> Iterator[Payload]:
    """Every payload in a message of Temporal's, however deep, but search attributes, which are never encoded."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None and field.name != "search_attributes":
            for part in _parts(value):
                yield from payloads_of(part)


def _parts(value: Any) -> Iterable[Message]:
    """The messages of a field: its own, those of a list or those of a map."""
    if isinstance(value, Message):
        return [value]
    found = value.values() if isinstance(value, Mapping) else value
    return (part for part in found if isinstance(part, Message))
