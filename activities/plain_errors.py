"""Errors of the database without the values they name, which may be personal: failures end in a case's history."""

from typing import Any

from sqlalchemy.exc import DBAPIError
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor


class PlainErrors(Interceptor):
    """Lets no database error out of an activity but its kind."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _PlainErrors(next)


class _PlainErrors(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await super().execute_activity(input)
        except DBAPIError as error:
            kind = type(error.orig or error).__name__
        raise ApplicationError(f"The ledger refused or did not answer ({kind})", type="ledger")
