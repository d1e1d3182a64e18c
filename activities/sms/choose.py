"""Which gateway this installation texts through, by its settings."""

import aiohttp

from activities.sms.generic import HttpGateway
from activities.sms.mas import MasGateway
from activities.sms.port import Gateway
from domain.city import City
from settings import SmsSettings


def open_gateway(settings: SmsSettings, city: City, http: aiohttp.ClientSession) -> Gateway:
    """The gateway that `JIESU_SMS_GATEWAY` names. Raises ValueError, in one sentence, when the city lacks its texts."""
    if settings.gateway == "mas":
        return MasGateway(settings.mas, http)
    if settings.gateway == "aliyun":
        if city.sms.aliyun is None:
            raise ValueError(f"JIESU_SMS_GATEWAY: aliyun needs the table [aliyun] in {city.folder}/sms.toml")
        # Its SDK takes a second to load, which nobody else should wait for.
        from activities.sms.aliyun import AliyunGateway

        return AliyunGateway(settings.aliyun, city.sms.aliyun)
    return HttpGateway(http)
