"""Our side of the connection to the MQTT broker: MQTT 5, QoS 1, a session that the broker keeps while we are away."""

import logging
import ssl
from asyncio import Queue
from datetime import timedelta

from aiomqtt import Client, Message, MqttError, ProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from sensors.settings import MqttSettings

WAITING = 500
"""Messages that the broker may have sent us and we have not yet acknowledged: MQTT 5's receive maximum."""
LARGEST_PACKET = 256 * 1024
"""Bytes; what is larger the broker drops for us, so that what waits has an upper limit in memory."""
ABSENCE = timedelta(days=7)
"""How long the broker keeps our session, and with it our messages, while we are away."""

UNSPECIFIED = 0x80
"""The reason that paho-mqtt gives, too, for a connection that ended without any."""

_silent = logging.getLogger("jiesu.sensors.mqtt")
_silent.setLevel(logging.CRITICAL + 1)  # the libraries complain at every attempt; we say it once


class NotSubscribed(MqttError):
    """The broker let us in, but not listen."""


class Subscriber(Client):
    """A client that acknowledges a message when it is told to, not when the message arrives.

    Use it for one connection: what was not acknowledged by then comes again in the next one.
    """

    def __init__(self, settings: MqttSettings, tls: ssl.SSLContext | None) -> None:
        password = settings.password
        super().__init__(
            settings.host,
            settings.port,
            username=settings.username,
            password=password.get_secret_value() if password else None,
            identifier=settings.client_id,
            protocol=ProtocolVersion.V5,
            clean_start=False,
            properties=_terms(),
            tls_context=tls,
            queue_type=_Waiting,
            logger=_silent,
        )
        # aiomqtt has no word for it; paho-mqtt, on which it stands, has.
        self._client.manual_ack_set(True)

    async def listen_to(self, filters: str) -> None:
        """Subscribe to topic filters separated by blanks. Raises MqttError; NotSubscribed if we may not."""
        # What is retained comes with a new subscription, and not again at every connection.
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        for topic in filters.split():
            for reason in await self.subscribe(topic, options=options):
                if not isinstance(reason, int) and reason.is_failure:
                    raise NotSubscribed(topic)

    def arrived(self, most: int) -> list[Message]:
        """What has arrived, without waiting for more."""
        return [self._queue.get_nowait() for _ in range(min(most, self._queue.qsize()))]

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that the message is safe with us. Harmless when the connection is lost."""
        self._client.ack(message.mid, message.qos)


class _Waiting(Queue[Message]):
    """The broker sends no more than WAITING of QoS 1; of QoS 0, which nothing holds back, we keep no more either."""

    def put_nowait(self, message: Message) -> None:
        if message.qos or self.qsize() < WAITING:
            super().put_nowait(message)


def tls_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """TLS as the settings want it. Raises ValueError, with a sentence, for files that cannot be read or used."""
    if not settings.tls:
        return None
    variable, path = "JIESU_MQTT_CA", settings.ca
    try:
        context = ssl.create_default_context(cafile=path)
        if settings.certificate is not None:
            variable, path = "JIESU_MQTT_CERTIFICATE and JIESU_MQTT_KEY", settings.certificate
            context.load_cert_chain(settings.certificate, settings.key, password="")
    except ssl.SSLError:
        raise ValueError(f"{variable}: {path} cannot be used; they must be PEM and belong together.") from None
    except OSError as error:
        raise ValueError(f"{variable}: {path} cannot be read: {error.strerror}.") from None
    return context


def _terms() -> Properties:
    terms = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    terms.SessionExpiryInterval = int(ABSENCE.total_seconds())
    terms.ReceiveMaximum = WAITING
    terms.MaximumPacketSize = LARGEST_PACKET
    return terms


def trouble(error: MqttError, settings: MqttSettings) -> str:
    """Why there is no connection, in one sentence that says what to check."""
    broker = f"the MQTT broker at {settings.host}:{settings.port}"
    match error, error.__context__, _reason(error):
        case NotSubscribed(), _, _:
            return f"{broker} does not let us listen to {error}; check JIESU_MQTT_TOPICS and its access list"
        case _, ssl.SSLCertVerificationError() as cause, _:
            return f"{broker} shows a certificate that we do not trust ({cause.verify_message}); check JIESU_MQTT_CA"
        case _, ssl.SSLError(), _:
            return f"{broker} and we do not agree on TLS; check JIESU_MQTT_URL and JIESU_MQTT_CERTIFICATE"
        case _, TimeoutError(), _:  # also of TLS 1.3, where a certificate is refused after all seems well
            return f"{broker} gives no answer in time; check JIESU_MQTT_URL, and JIESU_MQTT_CERTIFICATE if it wants one"
        case _, OSError(), _:
            return f"{broker} does not answer"
        case _, _, "Bad user name or password" | "Not authorized":
            return f"{broker} refuses us; check JIESU_MQTT_USERNAME and JIESU_MQTT_PASSWORD"
        case _, _, reason:
            return f"the connection with {broker} is lost ({reason})"


def _reason(error: MqttError) -> str:
    """The name that MQTT 5 gives to why a broker refuses or ends a connection."""
    code = getattr(error.__cause__ or error, "rc", None)
    if isinstance(code, ReasonCode) and code.value != UNSPECIFIED:
        return code.getName()
    return "no reason told"
