"""What Jiesu sends is signed with the secret that it shares with the party it goes to."""

from fastapi import HTTPException, Request
from standardwebhooks.webhooks import WebhookVerificationError

from sandbox.secrets import variable_of
from settings import read_webhook


async def check_signature(request: Request, party: str, key: str) -> None:
    """Raises HTTPException 401 unless the message is signed with the party's secret, under its own key."""
    webhook = read_webhook(variable_of(party))
    try:
        if webhook is None or request.headers.get("webhook-id") != key:
            raise WebhookVerificationError
        webhook.verify(await request.body(), dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        raise HTTPException(401, "the message is not signed as agreed") from None
