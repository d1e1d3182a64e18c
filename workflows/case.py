"""A case as a durable workflow: a thin shell around `domain.case`. Steps come in, one timer waits, events go out."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy, SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from domain import story
    from domain.case import Case
    from domain.command import Command
    from domain.effects import RECORD, TELL, Batch, Effect, effects_of
    from domain.events import Event, Status
    from domain.refusals import Refused
    from domain.roles import ENGINE
    from domain.rulebook import seconds
    from domain.steps import ENGINE_STEPS, PEOPLE_STEPS
    from domain.steps.upkeep import ReportFailure
    from workflows.attributes import LEAD, OVERDUE
    from workflows.names import CASE, CaseInput, Taken

STEPS = {**PEOPLE_STEPS, **ENGINE_STEPS}

QUICK = timedelta(seconds=5)
"""How long a ledger write may hold up the answer to a step before it is left to an ordinary activity."""


@workflow.defn(name=CASE)
class CaseWorkflow:
    """One citizen's request, from its receipt to its closing.

    Every step is an update, because the person who takes it waits to hear whether the rules allow it; its name is the
    step's name. Handlers only change the state: the loop in `run` waits for deadlines, the scribe writes the ledger in
    order, and effects are carried out beside them, so that nothing outside ever holds up a clock.
    """

    @workflow.init
    def __init__(self, start: CaseInput) -> None:
        self._story = list(start.story)
        self._unwritten: deque[tuple[Batch, list[Effect]]] = deque()
        self._lanes: dict[str, asyncio.Lock] = {}
        self._effects: set[asyncio.Task[None]] = set()
        self._shown: tuple[str | None, bool] = (None, False)
        if start.state is not None:
            self._case = start.state
        else:
            self._case, events = Case.open(start.opening, start.rulebook, start.calendar)
            self._note(events)

    @workflow.run
    async def run(self, start: CaseInput) -> Taken:
        scribe = asyncio.create_task(self._write_ledger())
        while self._case.status is not Status.CLOSED:
            await self._wait_for_deadline_or_step()
            if workflow.info().is_continue_as_new_suggested() and self._idle():
                workflow.continue_as_new(start.model_copy(update={"state": self._case, "story": self._story}))
        await workflow.wait_condition(lambda: self._idle() and workflow.all_handlers_finished())
        scribe.cancel()
        return self._taken()

    @workflow.update(dynamic=True)
    def take(self, step: str, args: Sequence[RawValue]) -> Taken:
        """Take a step; its answer says where the case stands now."""
        try:
            self._note(self._case.handle(_command(step, args), workflow.now()))
        except Refused as refused:
            raise _refusal(refused) from None
        return self._taken()

    @take.validator
    def check(self, step: str, args: Sequence[RawValue]) -> None:
        """Refuse before anything is written: a refused step costs the history no event."""
        try:
            self._case.model_copy(deep=True).handle(_command(step, args), workflow.now())
        except Refused as refused:
            raise _refusal(refused) from None

    async def _wait_for_deadline_or_step(self) -> None:
        """Wait for whichever comes first: the next deadline, or a step that makes another instant the next one."""
        deadline = self._case.due()
        if deadline is not None and deadline.at <= workflow.now():
            self._note(self._case.lapse(workflow.now()))
            return
        try:
            await workflow.wait_condition(
                lambda: self._case.due() != deadline or self._case.status is Status.CLOSED,
                timeout=deadline.at - workflow.now() if deadline else None,
                timeout_summary=story.timer(deadline, self._case.rulebook) if deadline else None,
            )
        except TimeoutError:
            self._note(self._case.lapse(workflow.now()))

    def _note(self, events: list[Event]) -> None:
        """Queue what happened for the ledger and the outside world, and show it in the web page."""
        if not events:
            return
        rules = self._case.rulebook
        effects = [effect for event in events for effect in effects_of(event, self._case)]
        self._unwritten.append((Batch(summary=self._case.summary(), events=events), effects))
        self._story += [story.line(event, rules) for event in events]
        workflow.set_current_details(story.details(self._case, self._story))

    async def _write_ledger(self) -> None:
        """Write every batch in order, and only then carry out its effects: they read what they tell from the ledger."""
        while True:
            await workflow.wait_condition(lambda: bool(self._unwritten))
            batch, effects = self._unwritten[0]
            self._show_lead()
            await self._record(batch)
            for effect in effects:
                task = asyncio.create_task(self._carry_out(effect))
                self._effects.add(task)
                task.add_done_callback(self._effects.discard)
            self._unwritten.popleft()

    async def _record(self, batch: Batch) -> None:
        # Beside the step's own workflow task: no events of its own but a marker, and written when the step is answered.
        try:
            await workflow.execute_local_activity(
                RECORD, batch, schedule_to_close_timeout=QUICK, retry_policy=RetryPolicy(maximum_attempts=1)
            )
        except ActivityError:
            await workflow.execute_activity(
                RECORD,
                batch,
                start_to_close_timeout=timedelta(seconds=30),
                summary="写入台账",
                retry_policy=self._retries(),
            )

    async def _carry_out(self, effect: Effect) -> None:
        """Tell one party, in order within its lane; what cannot be told for days becomes an event that a person sees."""
        give_up = timedelta(seconds=seconds(self._case.rulebook.effects.give_up_after))
        async with self._lanes.setdefault(effect.lane, asyncio.Lock()):
            try:
                await workflow.execute_activity(
                    TELL[effect.party], effect, start_to_close_timeout=timedelta(seconds=30),
                    schedule_to_close_timeout=give_up, retry_policy=self._retries(), summary=story.effect(effect),
                )  # fmt: skip
            except ActivityError as error:
                failure = ReportFailure(
                    by=ENGINE, effect=effect.key, party=effect.party, unit=effect.unit, error=_reason(error)
                )
                self._note(self._case.handle(failure, workflow.now()))

    def _retries(self) -> RetryPolicy:
        rules = self._case.rulebook.effects
        return RetryPolicy(
            initial_interval=timedelta(seconds=seconds(rules.first_retry)),
            maximum_interval=timedelta(seconds=seconds(rules.longest_pause)),
        )

    def _show_lead(self) -> None:
        """Search attributes that change: an upsert costs an event, so only who leads and whether a limit was missed."""
        shown = (self._case.lead, bool(self._case.breaches))
        if shown != self._shown:
            updates: list[SearchAttributeUpdate[Any]] = [LEAD.value_set(shown[0] or ""), OVERDUE.value_set(shown[1])]
            workflow.upsert_search_attributes(updates)
        self._shown = shown

    def _idle(self) -> bool:
        return not self._unwritten and not self._effects

    def _taken(self) -> Taken:
        summary = self._case.summary()
        return Taken(
            number=summary.number, event=summary.last_event, status=summary.status, outcome=summary.outcome,
            due=summary.due, due_clock=summary.due_clock, provisional=summary.provisional,
        )  # fmt: skip


def _command(step: str, args: Sequence[RawValue]) -> Command:
    if step not in STEPS:
        raise ApplicationError(f"There is no step '{step}'.", type="unknown_step", non_retryable=True)
    try:
        command: Command = workflow.payload_converter().from_payload(args[0].payload, STEPS[step])
    except (ValidationError, IndexError):
        raise ApplicationError(f"'{step}' came in a malformed message.", type="malformed", non_retryable=True) from None
    return command


def _refusal(refused: Refused) -> ApplicationError:
    return ApplicationError(refused.message, refused.message_zh, type=refused.code, non_retryable=True)


def _reason(error: ActivityError) -> str:
    cause = error.cause
    return cause.type or "failed" if isinstance(cause, ApplicationError) else type(cause).__name__.lower()
