"""A database error that names values loses them before it can reach a case's history."""

import pytest
from sqlalchemy.exc import IntegrityError
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.plain_errors import PlainErrors

ROW = "Failing row contains (王女士, 13800000000)"


class _Failing(ActivityInboundInterceptor):
    def __init__(self) -> None: ...

    async def execute_activity(self, input: ExecuteActivityInput) -> None:
        raise IntegrityError("INSERT …", None, ValueError(ROW))


async def test_only_the_kind_of_a_database_error_leaves_an_activity() -> None:
    chain = PlainErrors().intercept_activity(_Failing())

    @activity.defn
    async def fail() -> None:
        await chain.execute_activity(ExecuteActivityInput(fn=fail, args=[], executor=None, headers={}))

    with pytest.raises(ApplicationError) as caught:
        await ActivityEnvironment().run(fail)
    assert caught.value.type == "ledger"
    assert "ValueError" in caught.value.message
    assert ROW not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
