"""The action `send_group_message`."""

import asyncio
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, device_registry as dr, service
import probatio

from .const import ATTR_BASE64, ATTR_DATA, ATTR_MESSAGE, ATTR_TIMEOUT, DOMAIN, SERVICE_SEND_GROUP_MESSAGE
from .group_coordinator import GroupCoordinator, Receipt
from .group_sending import async_tell_group, no_commands
from .groups import device_entries, is_group
from .protocol.events import MessageType
from .sending import TIMEOUT_DEFAULT

TIMEOUT_MAX: Final = 600  # s; what waits for a member still goes to it after that, only nobody waits any more

type _Outcomes = dict[str, dict[str, Receipt]]  # by the group's device id, then by the member's identity


def _refuse_commands(data: Any) -> Any:
    """Say why, where the schema would only say that the field is not allowed."""
    if isinstance(data, dict) and (ATTR_DATA in data or ATTR_BASE64 in data):
        raise no_commands()
    return data


_FIELDS: Final = probatio.Schema(
    {
        probatio.Required(ATTR_DEVICE_ID): probatio.All(cv.ensure_list, probatio.Length(min=1), [cv.string]),
        probatio.Required(ATTR_MESSAGE): cv.string,
        probatio.Optional(ATTR_TIMEOUT, default=TIMEOUT_DEFAULT): probatio.All(
            probatio.Coerce(float), probatio.Range(min=1, max=TIMEOUT_MAX)
        ),
    }
)
_SEND: Final = probatio.All(_refuse_commands, _FIELDS)


@callback
def async_register_group_services(hass: HomeAssistant) -> None:
    """Register the action; once per Home Assistant."""
    optional = SupportsResponse.OPTIONAL
    hass.services.async_register(DOMAIN, SERVICE_SEND_GROUP_MESSAGE, _async_send, schema=_SEND, supports_response=optional)


async def _async_send(call: ServiceCall) -> ServiceResponse:
    """Send a text to each group and wait for the members; the response never repeats it."""
    targets = _targets(call)
    body, seconds = call.data[ATTR_MESSAGE].encode(), call.data[ATTR_TIMEOUT]
    sending = (async_tell_group(target, MessageType.TEXT, body, seconds) for target in targets.values())
    # one group that cannot send is no reason to forget what the others do
    outcomes = await asyncio.gather(*sending, return_exceptions=True)
    receipts = {device_id: _raised(outcome) for device_id, outcome in zip(targets, outcomes, strict=True)}
    if not call.return_response:
        _raise_if_undelivered(call.hass, targets, receipts)
        return None
    return {device_id: _as_response(call.hass, one) for device_id, one in receipts.items()}


def _targets(call: ServiceCall) -> dict[str, GroupCoordinator]:
    """Return each group's coordinator; ServiceValidationError before anything is done if one is no group or not loaded."""
    found: dict[str, GroupCoordinator] = {}
    for device_id in call.data[ATTR_DEVICE_ID]:
        _, entry = service.async_get_device_and_config_entry(call.hass, DOMAIN, device_id)
        if not is_group(entry):
            name = {"name": entry.title}
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_a_group", translation_placeholders=name)
        found[device_id] = entry.runtime_data
    return found


def _raised[T](outcome: T | BaseException) -> T:
    """Return an outcome that is none of an error."""
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _raise_if_undelivered(hass: HomeAssistant, targets: dict[str, GroupCoordinator], receipts: _Outcomes) -> None:
    """Name the members that have not confirmed: those that have missed it for good, else those that may still get it."""
    titles = {entry.unique_id: entry.title for entry in device_entries(hass)}
    for device_id, outcome in receipts.items():
        missed = [titles.get(identity, identity) for identity, one in outcome.items() if one.missed]
        late = [titles.get(identity, identity) for identity, one in outcome.items() if not one.delivered and not one.missed]
        placeholders = {"name": targets[device_id].name, "members": ", ".join(missed or late)}
        if missed:
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key="group_missed", translation_placeholders=placeholders)
        if late:
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key="group_late", translation_placeholders=placeholders)


def _as_response(hass: HomeAssistant, outcome: dict[str, Receipt]) -> dict[str, Any]:
    """Return what became of a message, by the members' device ids."""
    entries = {entry.unique_id: entry.entry_id for entry in device_entries(hass)}
    registry, response = dr.async_get(hass), {}
    for identity, receipt in outcome.items():
        member = registry.async_get_device_by_identifier((DOMAIN, identity), entries.get(identity, ""))
        response[member.id if member else identity] = {
            "delivered": receipt.delivered,
            "missed": receipt.missed,
            "seconds": round(receipt.seconds, 3),
        }
    return response
