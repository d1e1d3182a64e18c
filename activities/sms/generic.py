"""A gateway of one's own behind plain HTTP: `POST {endpoint}/messages`, JSON, with an idempotency key."""

import aiohttp
from temporalio.exceptions import ApplicationError

from activities.http import post
from activities.sms.port import BAD_NUMBER, Gateway, Text, endpoint


class HttpGateway(Gateway):
    """The body is `{"phone", "text"}`, the answer `{"id"}`; 422 says that the number cannot be texted.

    The gateway knows a repetition by its `Idempotency-Key`, so that a text is sent once whatever crashes between us.
    While it is still at the first try, it may answer 409 (draft-ietf-httpapi-idempotency-key-header).
    """

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def send(self, text: Text) -> str | None:
        """Hand over one text."""
        try:
            answer = await post(
                self._http, f"{endpoint()}/messages", text.key, {"phone": text.phone, "text": text.words}
            )
        except ApplicationError as error:
            if error.type == "http_422":
                raise ApplicationError(
                    "The gateway cannot text this number", type=BAD_NUMBER, non_retryable=True
                ) from None
            if error.type == "http_409":
                raise ApplicationError("The gateway is still at an earlier try", type="http_409") from None
            raise
        reference = answer.get("id")
        return str(reference) if reference is not None else None
