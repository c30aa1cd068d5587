"""The actions `send_message`, `rotate_keys` and `get_link_quality`."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
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
from .deliveries import Delivery, Fate
from .figures import link_quality
from .groups import is_group
from .protocol.events import MessageType
from .sending import TIMEOUT_DEFAULT, async_change_key, async_deliver, check_size, key_unchanged, undelivered

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
    check_size(targets.values(), body)
    outcomes = await _of_each(targets, lambda target: async_deliver(target, message_type, body, seconds))
    if not call.return_response:
        _raise_refusal(outcomes)
        _raise_if_undelivered(targets, outcomes, seconds)
        return None
    return {device_id: _as_response(outcome) for device_id, outcome in outcomes.items()}


async def _async_rotate_keys(call: ServiceCall) -> ServiceResponse:
    """Agree with each device on fresh keys, and wait for that."""
    targets = _targets(call)
    seconds: float = call.data[ATTR_TIMEOUT]
    outcomes = await _of_each(targets, lambda target: async_change_key(target, seconds))
    if not call.return_response:
        _raise_refusal(outcomes)
        if late := [targets[device_id].name for device_id, epoch in outcomes.items() if epoch is None]:
            raise key_unchanged(", ".join(late), seconds)
        return None
    return {device_id: _as_change(outcome) for device_id, outcome in outcomes.items()}


async def _of_each[T](
    targets: dict[str, SelfSecureCoordinator], act: Callable[[SelfSecureCoordinator], Awaitable[T]]
) -> dict[str, T | HomeAssistantError]:
    """Act on all at once; what one device refuses is no reason to forget what the others do."""
    outcomes = await asyncio.gather(*(act(target) for target in targets.values()), return_exceptions=True)
    return {device_id: _expected(outcome) for device_id, outcome in zip(targets, outcomes, strict=True)}


async def _async_get_link_quality(call: ServiceCall) -> ServiceResponse:
    return {device_id: link_quality(call.hass, target) for device_id, target in _targets(call).items()}


def _targets(call: ServiceCall) -> dict[str, SelfSecureCoordinator]:
    """Return each device's coordinator; ServiceValidationError before anything is done if one is not ours or not loaded."""
    found: dict[str, SelfSecureCoordinator] = {}
    for device_id in call.data[ATTR_DEVICE_ID]:
        _, entry = service.async_get_device_and_config_entry(call.hass, DOMAIN, device_id)
        if is_group(entry):
            name = {"name": entry.title}
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_a_device", translation_placeholders=name)
        found[device_id] = entry.runtime_data
    return found


def _expected[T](outcome: T | BaseException) -> T | HomeAssistantError:
    """Return a result, or an error that people can read; a defect is raised."""
    if isinstance(outcome, BaseException) and not isinstance(outcome, HomeAssistantError):
        raise outcome
    return outcome


def _raise_refusal(outcomes: Mapping[str, object]) -> None:
    """Raise the first error among them."""
    for outcome in outcomes.values():
        if isinstance(outcome, HomeAssistantError):
            raise outcome


def _message(data: dict[str, Any]) -> _Message:
    if ATTR_MESSAGE in data:
        return MessageType.TEXT, data[ATTR_MESSAGE].encode()
    return MessageType.BYTES, data[ATTR_DATA] if ATTR_DATA in data else data[ATTR_BASE64]


def _raise_if_undelivered(targets: Mapping[str, SelfSecureCoordinator], outcomes: Mapping[str, object], seconds: float) -> None:
    """Raise the worst that happened, with the names of those that it happened to."""
    fates = {targets[device_id].name: outcome.fate for device_id, outcome in outcomes.items() if isinstance(outcome, Delivery)}
    for fate in (Fate.ABANDONED, Fate.INTERRUPTED, Fate.QUEUED):
        if names := [name for name, one in fates.items() if one is fate]:
            raise undelivered(fate, ", ".join(names), seconds)


def _as_response(outcome: Delivery | HomeAssistantError) -> dict[str, Any]:
    """Return what became of the message; a device that refused it has not even queued it."""
    if isinstance(outcome, HomeAssistantError):
        return {**_as_response(Delivery()), "outcome": outcome.translation_key, "error": str(outcome)}
    return {
        "delivered": outcome.fate is Fate.DELIVERED,
        "outcome": outcome.fate.value,
        "error": None,
        "id": outcome.id,
        "attempts": outcome.attempts,
        "seconds": round(outcome.seconds, 3),
    }


def _as_change(outcome: int | HomeAssistantError | None) -> dict[str, Any]:
    if isinstance(outcome, HomeAssistantError):
        return {"changed": False, "epoch": None, "error": str(outcome)}
    return {"changed": outcome is not None, "epoch": outcome, "error": None}
