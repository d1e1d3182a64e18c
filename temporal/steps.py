"""Asking a running case for a step."""

from datetime import timedelta

from temporalio.client import Client, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from domain.command import Command
from workflows.names import Taken


class NotRunning(Exception):
    """The engine carries no case of that number: it is closed, or was not started yet."""


class Unanswered(Exception):
    """The engine or its workers did not answer; the step may have been taken, and can be asked for again."""


async def ask_for_step(
    client: Client, number: str, command: Command, patience: timedelta, id: str | None = None
) -> Taken:
    """Ask a case for a step and wait for its answer; the same id gives the same answer.

    Raises WorkflowUpdateFailedError when a rule stands against it, NotRunning, and Unanswered.
    """
    handle = client.get_workflow_handle(number)
    try:
        taken: Taken = await handle.execute_update(
            command.step, command, id=id, result_type=Taken, rpc_timeout=patience
        )
    except RPCError as error:
        raise (NotRunning if error.status is RPCStatusCode.NOT_FOUND else Unanswered) from None
    except (RuntimeError, WorkflowUpdateRPCTimeoutOrCancelledError):
        # RuntimeError as long as the first connection has not been made.
        raise Unanswered from None
    return taken
