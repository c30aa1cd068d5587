"""The actions `send_message`, `rotate_keys` and `get_link_quality`."""

import asyncio
import base64
import binascii
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv, service
import probatio

from .const import (
    ATTR_BASE64,
    ATTR_DATA,
    ATTR_MESSAGE,
    ATTR_TIMEOUT,
    DOMAIN,
    SERVICE_GET_LINK_QUALITY,
    SERVICE_ROTATE_KEYS,
    SERVICE_SEND_MESSAGE,
)
from .coordinator import SelfSecureCoordinator
from .deliveries import Delivery
from .figures import link_quality
from .protocol.events import MessageType
from .sending import TIMEOUT_DEFAULT, async_change_key, async_deliver, key_unchanged

TIMEOUT_MAX: Final = 600  # s; the message stays queued after that, only nobody waits any more

type _Message = tuple[MessageType, bytes]


def _hex(value: object) -> bytes:
    """Accept hexadecimal digits, with or without spaces."""
    try:
        return bytes.fromhex(cv.string(value))
    except ValueError as error:
        raise probatio.Invalid("expected hexadecimal digits") from error


def _base64(value: object) -> bytes:
    """Accept base64 as RFC 4648 has it, without line breaks."""
    try:
        return base64.b64decode(cv.string(value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise probatio.Invalid("expected base64") from error


_DEVICES: Final = {probatio.Required(ATTR_DEVICE_ID): probatio.All(cv.ensure_list, probatio.Length(min=1), [cv.string])}
_PATIENCE: Final = {
    probatio.Optional(ATTR_TIMEOUT, default=TIMEOUT_DEFAULT): probatio.All(probatio.Coerce(float), probatio.Range(min=1, max=TIMEOUT_MAX))
}
_BODY: Final = {
    probatio.Exclusive(ATTR_MESSAGE, "body"): cv.string,
    probatio.Exclusive(ATTR_DATA, "body"): _hex,
    probatio.Exclusive(ATTR_BASE64, "body"): _base64,
}
_SEND: Final = probatio.All(
    probatio.Schema({**_DEVICES, **_BODY, **_PATIENCE}), cv.has_at_least_one_key(ATTR_MESSAGE, ATTR_DATA, ATTR_BASE64)
)
_ROTATE: Final = probatio.Schema({**_DEVICES, **_PATIENCE})
_ASK: Final = probatio.Schema(_DEVICES)


@callback
def async_register_services(hass: HomeAssistant) -> None:
    """Register the actions; once per Home Assistant."""
    optional, only = SupportsResponse.OPTIONAL, SupportsResponse.ONLY
    hass.services.async_register(DOMAIN, SERVICE_SEND_MESSAGE, _async_send_message, schema=_SEND, supports_response=optional)
    hass.services.async_register(DOMAIN, SERVICE_ROTATE_KEYS, _async_rotate_keys, schema=_ROTATE, supports_response=optional)
    hass.services.async_register(DOMAIN, SERVICE_GET_LINK_QUALITY, _async_get_link_quality, schema=_ASK, supports_response=only)


async def _async_send_message(call: ServiceCall) -> ServiceResponse:
    """Send to each device and wait; the response never repeats the text."""
    targets = _targets(call)
    message_type, body = _message(call.data)
    seconds: float = call.data[ATTR_TIMEOUT]
    sending = (async_deliver(target, message_type, body, seconds) for target in targets.values())
    # one device's full queue is no reason to forget what the others do
    outcomes = await asyncio.gather(*sending, return_exceptions=True)
    deliveries = {device_id: _raised(outcome) for device_id, outcome in zip(targets, outcomes, strict=True)}
    if not call.return_response:
        _raise_if_undelivered([targets[one].name for one, delivery in deliveries.items() if not delivery.delivered], seconds)
        return None
    return {device_id: _as_response(delivery) for device_id, delivery in deliveries.items()}


async def _async_rotate_keys(call: ServiceCall) -> ServiceResponse:
    """Agree with each device on fresh keys, and wait for that."""
    targets = _targets(call)
    seconds: float = call.data[ATTR_TIMEOUT]
    outcomes = await asyncio.gather(*(async_change_key(target, seconds) for target in targets.values()), return_exceptions=True)
    epochs = {device_id: _raised(outcome) for device_id, outcome in zip(targets, outcomes, strict=True)}
    late = [targets[device_id].name for device_id, epoch in epochs.items() if epoch is None]
    if late and not call.return_response:
        raise key_unchanged(", ".join(late), seconds)
    return {device_id: {"changed": epoch is not None, "epoch": epoch} for device_id, epoch in epochs.items()}


async def _async_get_link_quality(call: ServiceCall) -> ServiceResponse:
    return {device_id: link_quality(call.hass, target) for device_id, target in _targets(call).items()}


def _targets(call: ServiceCall) -> dict[str, SelfSecureCoordinator]:
    """Return each device's coordinator; ServiceValidationError before anything is done if one is not ours or not loaded."""
    found: dict[str, SelfSecureCoordinator] = {}
    for device_id in call.data[ATTR_DEVICE_ID]:
        _, entry = service.async_get_device_and_config_entry(call.hass, DOMAIN, device_id)
        found[device_id] = entry.runtime_data
    return found


def _raised[T](outcome: T | BaseException) -> T:
    """Return an outcome that is none of an error."""
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _message(data: dict[str, Any]) -> _Message:
    if ATTR_MESSAGE in data:
        return MessageType.TEXT, data[ATTR_MESSAGE].encode()
    return MessageType.BYTES, data[ATTR_DATA] if ATTR_DATA in data else data[ATTR_BASE64]


def _raise_if_undelivered(late: list[str], seconds: float) -> None:
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
