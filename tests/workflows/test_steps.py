"""Steps as the engine takes them: what is refused and how, what a repetition gets, what happens at the same moment."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner

from domain.city import City
from ledger.database import Ledger
from tests.workflows.hotline import Hotline, Street, eventually, kinds, of_type
from workflows.case import CaseWorkflow

DISPATCH = {"by": {"role": "dispatcher", "id": "dispatcher-1"}, "lead": "zz-water"}


def reason(failed: pytest.ExceptionInfo[WorkflowUpdateFailedError]) -> ApplicationError:
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    return cause


async def test_a_refused_step_costs_no_history_and_says_why_in_both_languages(hotline: Hotline) -> None:
    number = await hotline.receive(phone=None, grid=None)
    await hotline.take(number, "dispatch", lead="zz-water")

    async def quiet() -> bool:
        return [message.status for message in await hotline.messages(number)] == ["sent"]

    await eventually(quiet)
    await asyncio.sleep(0.2)
    before = len((await hotline.history(number)).events)
    for _ in range(3):
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await hotline.take(number, "submit-result")
    refused = reason(failed)
    assert refused.type == "not_in_this_stage"
    assert refused.message == "This step is for a case that is handling; this one is dispatched."
    assert refused.details == ("该操作适用于“办理中”的工单，本工单当前为“已派单待签收”。",)
    assert len((await hotline.history(number)).events) == before
    assert kinds(await hotline.events(number)) == ["received", "dispatched"]


@pytest.mark.parametrize(
    ("step", "message", "code"),
    [
        ("no-such-step", DISPATCH, "unknown_step"),
        ("dispatch", {"lead": "zz-water"}, "malformed"),
        ("dispatch", DISPATCH | {"lead": "Not A Code"}, "malformed"),
        ("dispatch", DISPATCH | {"hurry": True}, "malformed"),
        ("dispatch", "dispatch, please", "malformed"),
        ("dispatch", None, "malformed"),
        ("dispatch", b"\x00", "malformed"),
    ],
)
async def test_what_is_no_step_is_refused_and_holds_nothing_up(
    hotline: Hotline, step: str, message: Any, code: str
) -> None:
    number = await hotline.receive()
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await hotline.case(number).execute_update(step, message)
    assert reason(failed).type == code
    assert (await hotline.take(number, "dispatch", lead="zz-water")).status == "dispatched"


async def test_a_step_without_a_message_is_malformed(hotline: Hotline) -> None:
    number = await hotline.receive()
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await hotline.case(number).execute_update("dispatch")
    assert reason(failed).type == "malformed"


async def test_the_same_id_gets_the_first_answer(hotline: Hotline) -> None:
    number = await hotline.receive()
    first = await hotline.take(number, "dispatch", key="once", lead="zz-water")
    await hotline.take(number, "sign-in")
    assert await hotline.take(number, "dispatch", key="once", lead="zz-water") == first
    assert kinds(await hotline.events(number)) == ["received", "dispatched", "signed_in"]


async def test_the_same_id_gets_the_first_answer_when_the_case_is_closed(hotline: Hotline) -> None:
    number = await hotline.receive()
    first = await hotline.take(number, "withdraw", key="last")
    await hotline.closed(number)
    assert await hotline.take(number, "withdraw", key="last") == first


async def test_a_new_step_of_a_closed_case_finds_nobody(hotline: Hotline) -> None:
    number = await hotline.receive()
    await hotline.take(number, "withdraw")
    await hotline.closed(number)
    with pytest.raises(RPCError) as refused:
        await hotline.take(number, "hurry")
    assert refused.value.status is RPCStatusCode.NOT_FOUND


async def test_of_many_who_dispatch_at_once_one_does(hotline: Hotline) -> None:
    number = await hotline.receive()
    answers = await asyncio.gather(
        *(hotline.take(number, "dispatch", lead="zz-water") for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(answer, WorkflowUpdateFailedError) for answer in answers) == 4
    assert kinds(await hotline.events(number)) == ["received", "dispatched"]


async def test_steps_at_the_moment_of_closing_are_refused_or_come_too_late(hotline: Hotline) -> None:
    number = await hotline.receive()
    steps = [hotline.take(number, "withdraw"), *(hotline.take(number, "hurry") for _ in range(5))]
    answers = await asyncio.gather(*steps, return_exceptions=True)
    await hotline.closed(number)
    for answer in answers[1:]:
        if isinstance(answer, WorkflowUpdateFailedError):
            assert isinstance(answer.cause, ApplicationError)
            assert answer.cause.type == "case_closed"
        elif isinstance(answer, RPCError):
            assert answer.status is RPCStatusCode.NOT_FOUND
    accepted = sum(not isinstance(answer, BaseException) for answer in answers)
    events = await hotline.events(number)
    assert [event.n for event in events] == list(range(1, accepted + 3))
    assert kinds(events)[-2:] == ["withdrawn", "closed"]


async def test_a_failing_background_task_is_seen(
    server: WorkflowEnvironment, street: Street, city: City, ledger: Ledger
) -> None:
    async with AsyncExitStack() as stack:
        hotline = await Hotline.open(stack, server, city, ledger, runner=UnsandboxedWorkflowRunner())
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(CaseWorkflow, "_show_standing", None)
            number = await hotline.receive()

            async def seen() -> bool:
                return bool(of_type(await hotline.history(number), "WORKFLOW_TASK_FAILED"))

            await eventually(seen)
        [failed, *_] = of_type(await hotline.history(number), "WORKFLOW_TASK_FAILED")
        failure = failed.workflow_task_failed_event_attributes.failure
        assert failure.message == "Encoded failure"
        error = await server.client.data_converter.decode_failure(failure)
        assert str(error) == "RuntimeError: A background task of the case failed"
        assert "not callable" in str(error.__cause__)
