"""Timers of a case whose own clock is being moved on."""

from datetime import datetime
from typing import Any

from temporalio.client import WorkflowHandle


async def fired(handle: WorkflowHandle[Any, Any], now: datetime) -> bool:
    """Whether every timer due by `now`, the case's own time, has fired.

    A server that was killed on the way fires them a moment after it is back; a clock moved on before then would pass
    over them.
    """
    running: dict[str, datetime] = {}
    async for event in handle.fetch_history_events():
        if event.HasField("timer_started_event_attributes"):
            timer = event.timer_started_event_attributes
            started = event.event_time.ToDatetime(now.tzinfo)
            running[timer.timer_id] = started + timer.start_to_fire_timeout.ToTimedelta()
        running.pop(event.timer_fired_event_attributes.timer_id, None)
        running.pop(event.timer_canceled_event_attributes.timer_id, None)
    return all(at > now for at in running.values())
