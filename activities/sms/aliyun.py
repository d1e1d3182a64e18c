"""阿里云短信服务 (Dysmsapi 2017-05-25), by its official SDK."""

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

from activities.sms.port import BAD_NUMBER, Text, endpoint
from domain.sms import AliyunTexts
from settings import AliyunAccount

PUBLIC = "https://dysmsapi.aliyuncs.com"

CHINA = ZoneInfo("Asia/Shanghai")
"""Aliyun's days, by which it lists what it sent."""

LIMITS = RuntimeOptions(connect_timeout=3_000, read_timeout=8_000)
"""Milliseconds."""

BAD_NUMBERS = frozenset({"isv.MOBILE_NUMBER_ILLEGAL", "isv.DENY_IP_RANGE_MOBILE", "isv.BLACK_LIST_MOBILE"})
REFUSED = frozenset({"isv.BLACK_KEY_CONTROL_LIMIT", "isv.PARAM_LENGTH_LIMIT", "isv.TEMPLATE_PARAMS_ILLEGAL"})
"""Texts it will never send."""
TOO_OFTEN = frozenset({"isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL"})
PAUSE = timedelta(hours=1)
"""Before a number that has had its share of Aliyun's own limits is tried again."""

CODE = re.compile(r"[A-Za-z0-9_.]{1,60}")


class AliyunGateway:
    """Once per event: our key is the text's `OutId`, and a try after an uncertain one first asks whether it arrived.

    Aliyun itself sends a repeated `OutId` again. So a window is left: for the moments in which a text is accepted but
    not yet listed by QuerySendDetails, a worker that died then has it sent a second time.
    """

    def __init__(self, account: AliyunAccount, texts: AliyunTexts) -> None:
        address = urlsplit(endpoint(PUBLIC))
        self._texts = texts
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
            template_param=json.dumps(dict(text.values), ensure_ascii=False),
            out_id=text.key,
        )
        try:
            answer = (await self._client.send_sms_with_options_async(request, LIMITS)).body
        except (TeaException, OSError, ValueError) as error:
            raise _failure(_code_of(error)) from None
        if answer.code != "OK":
            raise _failure(answer.code)
        return str(answer.biz_id)

    async def _accepted(self, text: Text) -> bool:
        """Whether Aliyun lists our text among those of today to this number."""
        today = datetime.now(CHINA).strftime("%Y%m%d")
        request = QuerySendDetailsRequest(phone_number=text.phone, send_date=today, page_size=50, current_page=1)
        try:
            answer = (await self._client.query_send_details_with_options_async(request, LIMITS)).body
        except (TeaException, OSError, ValueError) as error:
            raise _failure(_code_of(error)) from None
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
