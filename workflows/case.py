"""A case as a durable workflow: a thin shell around `domain.case`. Steps come in, one timer waits, events go out."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy, SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, TimeoutType
from temporalio.exceptions import TimeoutError as EngineTimeout

with workflow.unsafe.imports_passed_through():
    from domain import story
    from domain.case import Case
    from domain.command import Command
    from domain.effects import ELSEWHERE, RECORD, TELL, TELL_TOGETHER, WORK, Batch, Effect, Party, Untold, effects_of
    from domain.events import Event, Status
    from domain.refusals import Refused
    from domain.roles import ENGINE
    from domain.rulebook import pause
    from domain.steps import ENGINE_STEPS, PEOPLE_STEPS
    from domain.steps.upkeep import ReportFailure
    from workflows.attributes import GRID, LEAD, OVERDUE
    from workflows.names import CASE, UNENCRYPTED, CaseInput, Taken

STEPS = {**PEOPLE_STEPS, **ENGINE_STEPS}

QUICK = timedelta(seconds=5)
"""How long a ledger write may hold up the answer to a step before it is left to an ordinary activity."""

ONE_TRY = timedelta(seconds=30)
"""How long one attempt to reach an outside party may take."""

LEDGER_PAUSE = timedelta(minutes=1)
"""The longest pause between attempts to write a ledger that is down: people read there what they have just done."""

UNATTENDED = timedelta(hours=1)
"""How long a message may lie on a system's own queue before we ask whether it still has one."""

LAST_TRY = 0.01
"""The part of our patience with outside systems that is left to an effect which spent it all waiting in its lane."""

KEPT_ANSWERS = 100
"""How many answers are carried into a new run, where the engine no longer knows the old run's update ids."""


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
        self._answers = dict(start.answers)
        self._unwritten: deque[tuple[Batch, list[Effect]]] = deque()
        self._lanes: dict[str, asyncio.Lock] = {}
        self._untold: dict[str, Effect] = {}
        self._effects: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        events: list[Event] = []
        if start.state is not None:
            self._case = start.state
        else:
            self._case, events = Case.open(start.opening, start.rulebook, start.calendar)
            if start.dispatch is not None:
                events += self._case.handle(start.dispatch, workflow.now())
        self._shown = self._standing()
        self._note(events)

    @workflow.run
    async def run(self, start: CaseInput) -> Taken:
        scribe = self._begin(self._write_ledger())
        while not self._over():
            await self._wait_for_deadline_or_step()
        scribe.cancel()
        if self._case.status is not Status.CLOSED:
            workflow.continue_as_new(self._carried_over(start))
        return self._taken()

    @workflow.update(dynamic=True)
    def take(self, step: str, args: Sequence[RawValue]) -> Taken:
        """Take a step; its answer says where the case stands now."""
        update = _update_id()
        if update not in self._answers:
            try:
                self._note(self._case.handle(_command(step, args), workflow.now()))
            except Refused as refused:
                raise _refusal(refused) from None
            self._answers[update] = self._taken()
        return self._answers[update]

    @take.validator
    def check(self, step: str, args: Sequence[RawValue]) -> None:
        """Refuse before anything is written: a refused step costs the history no event."""
        if _update_id() in self._answers:
            return
        if any(UNENCRYPTED in arg.payload.metadata for arg in args):
            raise _malformed(step)
        try:
            # `handle` leaves what its case refers to alone, so that a shallow copy keeps ours as it is.
            self._case.model_copy().handle(_command(step, args), workflow.now())
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
                lambda: self._case.due() != deadline or self._over() or self._failure is not None,
                timeout=deadline.at - workflow.now() if deadline else None,
                timeout_summary=story.timer(deadline, self._case) if deadline else None,
            )
        except TimeoutError:
            self._note(self._case.lapse(workflow.now()))
        if self._failure is not None:
            # Fails the workflow task, which is seen and tried again; a failed task alone would die in silence.
            raise RuntimeError("A background task of the case failed") from self._failure

    def _over(self) -> bool:
        """Whether this run may end: the case is closed or its history is long, and nothing is under way.

        Insisting puts that off, at eleven events in three days: years before the 4,096 that suggest a new run.
        """
        ending = self._case.status is Status.CLOSED or workflow.info().is_continue_as_new_suggested()
        return ending and not self._unwritten and not self._effects and workflow.all_handlers_finished()

    def _carried_over(self, start: CaseInput) -> CaseInput:
        """The input of the next run."""
        answers = dict(list(self._answers.items())[-KEPT_ANSWERS:])
        return start.model_copy(update={"state": self._case, "story": self._story, "answers": answers})

    def _note(self, events: list[Event]) -> None:
        """Queue what happened for the ledger and the outside world, and show it in the web page."""
        if events:
            effects = [effect for event in events for effect in effects_of(event, self._case)]
            self._unwritten.append((Batch(summary=self._case.summary(), events=events), effects))
        self._story += [story.line(event, self._case) for event in events]
        self._show()

    def _show(self) -> None:
        workflow.set_current_details(story.details(self._case, self._story, list(self._untold.values())))

    async def _write_ledger(self) -> None:
        """Write every batch in order, and only then carry out its effects: they read what they tell from the ledger."""
        while True:
            await workflow.wait_condition(lambda: bool(self._unwritten))
            batch, effects = self._unwritten[0]
            self._show_standing()
            await self._record(batch)
            self._start_telling(effects)
            self._unwritten.popleft()

    async def _record(self, batch: Batch) -> None:
        # Beside the step's own workflow task: no events of its own but a marker, and written when the step is answered.
        try:
            await workflow.execute_local_activity(
                RECORD, batch, schedule_to_close_timeout=QUICK, retry_policy=RetryPolicy(maximum_attempts=1),
                summary="写入台账",
            )  # fmt: skip
        except FailureError:
            # A local activity's own failure comes bare, its timeout in an ActivityError.
            await workflow.execute_activity(
                RECORD, batch, start_to_close_timeout=timedelta(seconds=30), summary="写入台账",
                retry_policy=self._retries(LEDGER_PAUSE),
            )  # fmt: skip

    def _start_telling(self, effects: list[Effect]) -> None:
        """Tell at once whom nothing waits for, together where there are several; the others when their lane is free."""
        firsts: dict[str, Effect] = {}
        for effect in effects:
            if not self._lane(effect).locked():
                firsts.setdefault(effect.lane, effect)
        together = list(firsts.values())
        if len(together) > 1:
            self._begin_effect(self._tell_together(together))
        for effect in effects:
            if len(together) < 2 or effect not in together:
                self._begin_effect(self._tell(effect))

    async def _tell_together(self, effects: list[Effect]) -> None:
        """One try for all; whoever could not be told is insisted on alone, and nobody else waits for that."""
        give_up = self._give_up()
        for effect in effects:
            await self._lane(effect).acquire()
        untold = await self._try_all(effects)
        for effect in effects:
            failed = untold.get(effect.key)
            if failed is not None and not failed.final:
                self._show_untold(effect)
                self._begin_effect(self._insist(effect, give_up, failed.queue))
                continue
            if failed is not None:
                self._report(effect, failed)
            self._lane(effect).release()

    async def _try_all(self, effects: list[Effect]) -> dict[str, Untold]:
        try:
            untold = await workflow.execute_activity(
                TELL_TOGETHER, effects, result_type=list[Untold], start_to_close_timeout=ONE_TRY,
                retry_policy=RetryPolicy(maximum_attempts=1), summary=story.effects(effects, self._case),
            )  # fmt: skip
        except ActivityError as error:
            # Its worker died or hung: whoever was told already knows a repetition by its key.
            untold = [Untold(key=effect.key, error=_reason(error), final=False) for effect in effects]
        return {failed.key: failed for failed in untold}

    async def _tell(self, effect: Effect) -> None:
        give_up = self._give_up()
        await self._lane(effect).acquire()
        await self._insist(effect, give_up)

    async def _insist(self, effect: Effect, give_up: datetime, queue: str | None = None) -> None:
        """Tell one party, whose lane is ours; what cannot be told for days becomes an event that people see.

        A unit is told even after that, as long as the case is open, so that what it missed is not lost to it; so is a
        partner, as long as the case is being transferred to it.
        """
        reported = False
        try:
            while (untold := await self._try_for_long(effect, give_up, queue)) is not None:
                if untold.final or not reported:
                    self._report(effect, untold)
                    reported = True
                if untold.final or not self._goes_on(effect):
                    break
                # The engine gives up on a try that would come too late; the next round must not follow at once.
                if give_up > workflow.now():
                    await workflow.sleep(give_up - workflow.now())
                give_up, queue = self._give_up(), untold.queue
        finally:
            self._lane(effect).release()
        if self._untold.pop(effect.key, None):
            self._show()

    def _goes_on(self, effect: Effect) -> bool:
        if effect.party is Party.PARTNER:
            transfer = self._case.transfer
            return self._case.status is Status.TRANSFERRING and transfer is not None and transfer.to == effect.partner
        to_unit_of_open_case = effect.party is Party.UNIT and self._case.status is not Status.CLOSED
        return to_unit_of_open_case and workflow.patched("units-as-long-as-open")

    async def _try_for_long(self, effect: Effect, give_up: datetime, queue: str | None) -> Untold | None:
        """Try one party until we give up, on the task queue that its failures name; None once it is told."""
        while True:
            try:
                await self._try_alone(effect, give_up, queue)
                return None
            except ActivityError as error:
                untold = _untold(effect, error, queue)
            self._show_untold(effect)
            if untold.queue == queue:
                return untold
            queue = untold.queue

    def _show_untold(self, effect: Effect) -> None:
        """Supervisors see in the web page whom nobody could reach yet."""
        self._untold[effect.key] = effect
        self._show()

    async def _try_alone(self, effect: Effect, give_up: datetime, queue: str | None) -> None:
        rules = self._case.rulebook.effects
        patience = pause(rules.give_up_after)
        await workflow.execute_activity(
            TELL[effect.party], effect, task_queue=queue, start_to_close_timeout=ONE_TRY,
            schedule_to_start_timeout=UNATTENDED if queue else None,
            schedule_to_close_timeout=max(give_up - workflow.now(), patience * LAST_TRY),
            retry_policy=self._retries(pause(rules.longest_pause)),
            summary=story.effect(effect, self._case),
        )  # fmt: skip

    def _report(self, effect: Effect, untold: Untold) -> None:
        order = effect.party is Party.UNIT and effect.kind in WORK
        failure = ReportFailure(
            by=ENGINE, effect=effect.key, party=effect.party, unit=effect.unit, error=untold.error,
            refused=effect if order and untold.final else None,
        )  # fmt: skip
        self._note(self._case.handle(failure, workflow.now()))

    def _lane(self, effect: Effect) -> asyncio.Lock:
        return self._lanes.setdefault(effect.lane, asyncio.Lock())

    def _give_up(self) -> datetime:
        return workflow.now() + pause(self._case.rulebook.effects.give_up_after)

    def _begin_effect(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._begin(work)
        self._effects.add(task)
        task.add_done_callback(self._effects.discard)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._look_for_failure)
        return task

    def _look_for_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._failure = self._failure or task.exception()

    def _retries(self, longest_pause: timedelta) -> RetryPolicy:
        first = pause(self._case.rulebook.effects.first_retry)
        return RetryPolicy(initial_interval=first, maximum_interval=max(first, longest_pause))

    def _standing(self) -> tuple[str | None, bool, str | None]:
        """What search attributes show of it: who leads, whether a limit was missed, where. More would cost events."""
        return self._case.lead, bool(self._case.breaches), self._case.grid

    def _show_standing(self) -> None:
        lead, overdue, grid = standing = self._standing()
        if standing != self._shown:
            led: SearchAttributeUpdate[Any] = LEAD.value_set(lead) if lead else LEAD.value_unset()
            moved = [GRID.value_set(grid)] if grid and grid != self._shown[2] else []
            workflow.upsert_search_attributes([led, OVERDUE.value_set(overdue), *moved])
        self._shown = standing

    def _taken(self) -> Taken:
        summary = self._case.summary()
        return Taken(
            number=summary.number, event=summary.last_event, status=summary.status, outcome=summary.outcome,
            due=summary.due, due_clock=summary.due_clock, provisional=summary.provisional,
        )  # fmt: skip


def _update_id() -> str:
    update = workflow.current_update_info()
    assert update is not None, "steps are updates"
    return update.id


def _command(step: str, args: Sequence[RawValue]) -> Command:
    if step not in STEPS:
        raise ApplicationError(f"There is no step '{step}'.", type="unknown_step", non_retryable=True)
    try:
        command = workflow.payload_converter().from_payload(args[0].payload, STEPS[step])
    except Exception:
        # Whatever a converter makes of a foreign payload, the sender's mistake must not hold up the case.
        command = None
    if not isinstance(command, STEPS[step]):
        raise _malformed(step)
    return command


def _malformed(step: str) -> ApplicationError:
    return ApplicationError(f"'{step}' came in a malformed message.", type="malformed", non_retryable=True)


def _refusal(refused: Refused) -> ApplicationError:
    return ApplicationError(refused.message, refused.message_zh, type=refused.code, non_retryable=True)


def _untold(effect: Effect, error: ActivityError, queue: str | None) -> Untold:
    """What an activity's error says: which party could not be told, why, and on which queue it is tried from now on."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == ELSEWHERE:
        queue, why = cause.details
        return Untold(key=effect.key, error=why, final=False, queue=queue)
    if isinstance(cause, EngineTimeout) and cause.type is TimeoutType.SCHEDULE_TO_START:
        queue = None
    final = isinstance(cause, ApplicationError) and cause.non_retryable
    return Untold(key=effect.key, error=_reason(error), final=final, queue=queue)


def _reason(error: ActivityError) -> str:
    cause = error.cause
    return cause.type if isinstance(cause, ApplicationError) and cause.type else "timeout"
