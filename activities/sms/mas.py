"""中国移动云MAS: `POST {endpoint}/sms/norsubmit` with base64 of JSON, authenticated by a digest in the body.

Fields and codes are those on which public adapters agree, such as wswh520/mas on GitHub and IGeekFan.MAS on NuGet.
"""

import json
import re
from base64 import b64encode
from hashlib import md5
from typing import Any

import aiohttp
from temporalio.exceptions import ApplicationError

from activities.http import ask
from activities.sms.port import BAD_NUMBER, Gateway, Text, endpoint
from settings import MasAccount

SIGNATURE = re.compile(r"^【[^】]*】")
"""MAS puts the signature in front itself, by the code of `sign`."""

CODE = re.compile(r"[A-Za-z0-9]{1,40}")

FINAL = frozenset({"InvalidMessage", ""})
"""Answers after which a text is not repeated: it is refused, or nobody can say, and it might be taken each time. What
accounts, signatures and limits forbid, people mend."""
BAD_NUMBERS = frozenset({"InvalidMobile"})


class MasGateway(Gateway):
    """Once per event, with one window left: MAS keeps no name of ours with a text and cannot be asked for one.

    What we learn has been accepted is never sent again. A worker that dies, or a connection that breaks, between the
    gateway's acceptance and our noting it lets the next try send the text a second time: better twice than not at all.
    """

    def __init__(self, account: MasAccount, http: aiohttp.ClientSession) -> None:
        self._account, self._http = account, http

    async def send(self, text: Text) -> str | None:
        """Hand over one text; the reference is MAS's `msgGroup`, by which its receipts name it."""
        answer = await ask(self._http, f"{endpoint()}/sms/norsubmit", data=self._body(text))
        if answer.get("rspcod") == "success":
            # Handbooks spell it both ways.
            group = answer.get("msgGroup") or answer.get("mgsGroup")
            return str(group) if group else None
        code = str(answer.get("rspcod") or "")
        if code in BAD_NUMBERS:
            raise ApplicationError(f"MAS: {code}", type=BAD_NUMBER, non_retryable=True)
        shown = code if CODE.fullmatch(code) else "no answer we know"
        raise ApplicationError(f"MAS: {shown}", type=f"mas_{shown.replace(' ', '_')}", non_retryable=code in FINAL)

    def _body(self, text: Text) -> str:
        account, content = self._account, SIGNATURE.sub("", text.words)
        secret = account.secret_key.get_secret_value()
        digest = mac(account.ec_name, account.ap_id, secret, text.phone, content, account.sign, account.add_serial)
        body: dict[str, Any] = {
            "ecName": account.ec_name, "apId": account.ap_id, "mobiles": text.phone, "content": content,
            "sign": account.sign, "addSerial": account.add_serial, "mac": digest,
        }  # fmt: skip
        return b64encode(json.dumps(body, ensure_ascii=False).encode()).decode()


def mac(*parts: str) -> str:
    """The digest MAS wants: lower-case MD5 of ecName, apId, secretKey, mobiles, content, sign and addSerial."""
    return md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
