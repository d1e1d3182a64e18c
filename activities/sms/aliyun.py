"""阿里云短信服务 (Dysmsapi 2017-05-25), by its official SDK.

Codes: help.aliyun.com/document_detail/101346.html.
"""

import json
import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_dysmsapi20170525.models import QuerySendDetailsRequest, SendSmsRequest
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException
from temporalio.exceptions import ApplicationError

from activities.sms.port import BAD_NUMBER, ENDPOINT, Gateway, Text
from domain.sms import AliyunTexts
from domain.texts import shortened
from settings import AliyunAccount, read_variable

PUBLIC = "https://dysmsapi.aliyuncs.com"

CHINA = ZoneInfo("Asia/Shanghai")
"""Aliyun's days, by which it lists what it sent."""

LIMITS = RuntimeOptions(connect_timeout=3_000, read_timeout=8_000)
"""Milliseconds."""

BAD_NUMBERS = frozenset({"isv.MOBILE_NUMBER_ILLEGAL"})
REFUSED = frozenset(
    {
        "isv.BLACK_KEY_CONTROL_LIMIT", "isv.PARAM_LENGTH_LIMIT", "isv.PARAM_NOT_SUPPORT_URL",
        "isv.SMS_CONTENT_ILLEGAL", "isv.TEMPLATE_PARAMS_ILLEGAL", "isv.UNSUPPORTED_CONTENT",
    }
)  # fmt: skip
"""Texts it will never send, for what their values say."""
TOO_OFTEN = frozenset({"isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL"})
PAUSE = timedelta(hours=1)
"""Before a text over Aliyun's own limits, of a number or of the account, is tried again."""

NOTHING = "无"
"""An empty value, which Aliyun does not take."""

CODE = re.compile(r"[A-Za-z0-9_.]{1,60}")


class AliyunGateway(Gateway):
    """Once per event: our key is the text's `OutId`, and a try after an uncertain one first asks whether it arrived.

    Aliyun itself sends a repeated `OutId` again. So windows are left: a worker that died has a text sent a second time
    if it is back in the moments in which the text is accepted but not yet listed by QuerySendDetails, or days later.
    """

    def __init__(self, account: AliyunAccount, texts: AliyunTexts) -> None:
        address = urlsplit(read_variable(ENDPOINT) or PUBLIC)
        self._texts = texts
        self.longest_value = texts.longest_value
        self._client = Client(
            Config(
                access_key_id=account.key_id,
                access_key_secret=account.key_secret.get_secret_value(),
                endpoint=address.netloc,
                protocol=address.scheme,
            )
        )

    async def send(self, text: Text) -> str | None:
        """Hand over one text as its approved template with parameters; the reference is Aliyun's `BizId`."""
        if text.again and await self._accepted(text):
            return None
        request = SendSmsRequest(
            phone_numbers=text.phone,
            sign_name=self._texts.sign,
            template_code=self._texts.templates[text.kind],
            template_param=json.dumps(self._values(text), ensure_ascii=False),
            out_id=text.key,
        )
        try:
            answer = (await self._client.send_sms_with_options_async(request, LIMITS)).body
        except (TeaException, OSError, ValueError) as error:
            raise _failure(_code_of(error)) from None
        if answer.code != "OK":
            raise _failure(answer.code)
        return answer.biz_id or None

    def _values(self, text: Text) -> dict[str, str]:
        return {name: shortened(value or NOTHING, self.longest_value) for name, value in text.values.items()}

    async def _accepted(self, text: Text) -> bool:
        """Whether Aliyun lists our text among those of today or yesterday to this number."""
        today = datetime.now(CHINA)
        return await self._listed(text, today) or await self._listed(text, today - timedelta(days=1))

    async def _listed(self, text: Text, day: datetime) -> bool:
        request = QuerySendDetailsRequest(
            phone_number=text.phone, send_date=day.strftime("%Y%m%d"), page_size=50, current_page=1
        )
        try:
            answer = (await self._client.query_send_details_with_options_async(request, LIMITS)).body
        except (TeaException, OSError, ValueError) as error:
            raise _failure(_code_of(error)) from None
        if answer.code != "OK":
            raise _failure(answer.code)
        listed = answer.sms_send_detail_dtos
        return listed is not None and any(one.out_id == text.key for one in listed.sms_send_detail_dto or [])


def _code_of(error: Exception) -> str:
    """Aliyun's own code of an error; the SDK's errors without an answer have none."""
    return getattr(error, "code", None) or "unreachable"


def _failure(code: object) -> ApplicationError:
    shown = code if isinstance(code, str) and CODE.fullmatch(code) else "unknown"
    if shown in BAD_NUMBERS:
        return ApplicationError(f"Aliyun: {shown}", type=BAD_NUMBER, non_retryable=True)
    return ApplicationError(
        f"Aliyun: {shown}",
        type="unreachable" if shown == "unreachable" else f"aliyun_{shown}",
        non_retryable=shown in REFUSED,
        next_retry_delay=PAUSE if shown in TOO_OFTEN else None,
    )
