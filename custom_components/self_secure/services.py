"""The action `self_secure.send_message`."""

import asyncio
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
import probatio

from .const import ATTR_DATA, ATTR_MESSAGE, ATTR_TIMEOUT, DOMAIN, SERVICE_SEND_MESSAGE
from .coordinator import SelfSecureCoordinator
from .deliveries import Delivery
from .protocol.errors import LocalError, MessageTooLargeError, QueueFullError
from .protocol.events import MessageType
from .protocol.limits import BODY_MAX, QUEUE_MAX

TIMEOUT_DEFAULT: Final = 30  # s: a device that is awake answers in two or three
TIMEOUT_MAX: Final = 600  # s; the message stays queued after that, only nobody waits any more

type _Message = tuple[MessageType, bytes]


def _hex(value: object) -> bytes:
    """Accept hexadecimal digits, with or without spaces."""
    try:
        return bytes.fromhex(cv.string(value))
    except ValueError as error:
        raise probatio.Invalid("expected hexadecimal digits") from error


_SCHEMA: Final = probatio.All(
    probatio.Schema(
        {
            probatio.Required(ATTR_DEVICE_ID): probatio.All(cv.ensure_list, probatio.Length(min=1), [cv.string]),
            probatio.Exclusive(ATTR_MESSAGE, "body"): cv.string,
            probatio.Exclusive(ATTR_DATA, "body"): _hex,
            probatio.Optional(ATTR_TIMEOUT, default=TIMEOUT_DEFAULT): probatio.All(
                probatio.Coerce(float), probatio.Range(min=1, max=TIMEOUT_MAX)
            ),
        }
    ),
    cv.has_at_least_one_key(ATTR_MESSAGE, ATTR_DATA),
)


@callback
def async_register_services(hass: HomeAssistant) -> None:
    """Register the actions; once per Home Assistant."""
    hass.services.async_register(
        DOMAIN, SERVICE_SEND_MESSAGE, _async_send_message, schema=_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )


async def _async_send_message(call: ServiceCall) -> ServiceResponse:
    """Send to each device and wait; the response never repeats the text."""
    targets = {device_id: _coordinator(call.hass, device_id) for device_id in call.data[ATTR_DEVICE_ID]}
    message = _message(call.data)
    seconds: float = call.data[ATTR_TIMEOUT]
    deliveries = await asyncio.gather(*(_async_deliver(target, message, seconds) for target in targets.values()))
    results = dict(zip(targets, deliveries, strict=True))
    if not call.return_response:
        _raise_if_undelivered(targets, results, seconds)
        return None
    return {device_id: _as_response(delivery) for device_id, delivery in results.items()}


def _coordinator(hass: HomeAssistant, device_id: str) -> SelfSecureCoordinator:
    _, entry = service.async_get_device_and_config_entry(hass, DOMAIN, device_id)
    coordinator: SelfSecureCoordinator = entry.runtime_data
    return coordinator


def _message(data: dict[str, Any]) -> _Message:
    if ATTR_MESSAGE in data:
        return MessageType.TEXT, data[ATTR_MESSAGE].encode()
    return MessageType.BYTES, data[ATTR_DATA]


async def _async_deliver(coordinator: SelfSecureCoordinator, message: _Message, seconds: float) -> Delivery:
    """Queue one message and wait for its acknowledgement; after `seconds` it stays queued."""
    try:
        acknowledged = await coordinator.async_send(*message)
    except LocalError as error:
        raise _translated(error, coordinator.name) from error
    try:
        async with asyncio.timeout(seconds):
            return await acknowledged
    except TimeoutError:
        return Delivery()


def _translated(error: LocalError, name: str) -> HomeAssistantError:
    match error:
        case MessageTooLargeError():
            return ServiceValidationError(
                translation_domain=DOMAIN, translation_key="message_too_large", translation_placeholders={"limit": str(BODY_MAX)}
            )
        case QueueFullError():
            return HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="queue_full",
                translation_placeholders={"name": name, "limit": str(QUEUE_MAX)},
            )
        case _:
            return HomeAssistantError(translation_domain=DOMAIN, translation_key="not_ready", translation_placeholders={"name": name})


def _raise_if_undelivered(targets: dict[str, SelfSecureCoordinator], results: dict[str, Delivery], seconds: float) -> None:
    late = [targets[device_id].name for device_id, delivery in results.items() if not delivery.delivered]
    if late:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="not_delivered",
            translation_placeholders={"name": ", ".join(late), "seconds": f"{seconds:g}"},
        )


def _as_response(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivered": delivery.delivered,
        "id": delivery.id,
        "attempts": delivery.attempts,
        "seconds": round(delivery.seconds, 3),
    }
