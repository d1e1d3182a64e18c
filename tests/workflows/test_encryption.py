"""What the engine keeps of a case is unreadable to whoever has no key."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError

from bench.codec import payloads_of
from sandbox.faults import Fault
from tests.workflows.hotline import Hotline, Street, kinds, of_type

READABLE = re.compile(r'complaint|zz-water|zz-heat|agent-1|[\u4e00-\u9fff]|{\\"|Traceback|\.py')
"""A category, units, an actor, Chinese, JSON, stack traces."""

SDKS_OWN = {
    "seq", "attempt", "activity_id", "activity_type", "complete_time", "backoff", "original_schedule_time",
    "activation_index",
}  # fmt: skip
"""What the SDK notes in the open about a local activity, for replay."""


def parts_of(message: Message) -> Iterator[Message]:
    """A message and all that are in it, however deep."""
    yield message
    for _, value in message.ListFields():
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, Sequence) else [value]
        for part in inner:
            if isinstance(part, Message):
                yield from parts_of(part)


def readable_in(message: Message) -> list[str]:
    """What can be read beside encrypted payloads, and the codes by which cases are found, which are open on purpose."""
    copy = type(message)()
    copy.CopyFrom(message)
    for part in list(parts_of(copy)):
        if isinstance(part, Payload):
            part.ClearField("data")
        elif "search_attributes" in part.DESCRIPTOR.fields_by_name:
            part.ClearField("search_attributes")
    return READABLE.findall(MessageToJson(copy, ensure_ascii=False))


async def test_a_history_shows_nothing_but_codes_and_names_of_steps(hasty: Hotline, street: Street) -> None:
    await street.fault("water", Fault(kind="error"))
    number = await hasty.receive("complaint")
    taken = await hasty.take(number, "dispatch", lead="zz-water", assisting=("zz-heat",))
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await hasty.take(number, "sign-in", unit="zz-power")
    assert isinstance(refused.value.cause, ApplicationError)
    assert "zz-power" in refused.value.cause.message, "whoever asks does read why"
    for step in ("sign-in", "supplement", "request-extension"):
        await hasty.take(number, step)
    await hasty.take(number, "decide-extension", granted=True, note="n-granted")
    await hasty.take(number, "withdraw")
    await hasty.closed(number)
    assert "effect_failed" in kinds(await hasty.events(number))

    stranger = (await Client.connect(hasty.server.client.service_client.config.target_host)).get_workflow_handle(number)
    history, description = await stranger.fetch_history(), await stranger.describe()
    payloads = [payload for event in history.events for payload in payloads_of(event)]
    payloads += payloads_of(description.raw_description)
    assert len(payloads) > 30
    plain = [payload for payload in payloads if payload.metadata["encoding"] != b"binary/encrypted"]
    assert {key for payload in plain for key in json.loads(payload.data)} <= SDKS_OWN
    assert not any(word in payload.data for payload in payloads for word in (b"complaint", b"zz-water"))
    assert [readable_in(event) for event in history.events if readable_in(event)] == []
    assert readable_in(description.raw_description) == []
    failures = [
        event.activity_task_failed_event_attributes.failure for event in of_type(history, "ACTIVITY_TASK_FAILED")
    ]
    assert all(failure.message == "Encoded failure" and not failure.stack_trace for failure in failures)
    shown = {pair.key.name: pair.value for pair in description.typed_search_attributes}
    assert shown["JiesuCategory"] == "complaint"
    assert taken.status == "dispatched"
    metadata: Any = description.raw_description.execution_config.user_metadata
    assert metadata.HasField("summary")


async def test_who_has_no_key_takes_no_step_though_they_reach_the_engine(hotline: Hotline) -> None:
    number = await hotline.receive()
    address = hotline.server.client.service_client.config.target_host
    stranger = await Client.connect(address, data_converter=pydantic_data_converter)
    forged = {"by": {"role": "dispatcher", "id": "nobody"}, "lead": "zz-water"}
    with pytest.raises(WorkflowUpdateFailedError):
        await stranger.get_workflow_handle(number).execute_update("dispatch", forged)
    await hotline.take(number, "dispatch", lead="zz-heat")
    row = await hotline.row(number)
    assert (row.lead, kinds(await hotline.events(number))) == ("zz-heat", ["received", "dispatched"])
