"""Sending to a group on behalf of a person: the layers' errors become translated ones, once."""

import asyncio
from contextlib import suppress

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .const import DOMAIN
from .group_coordinator import GroupCoordinator, Receipt
from .groups import loaded_devices
from .protocol.errors import CommandError, GroupUsedUpError, LocalError, MessageTooLargeError
from .protocol.events import MessageType
from .protocol.limits import BODY_MAX
from .sending import check_relay
from .transport.client import StorageError


async def async_queue_for_group(coordinator: GroupCoordinator, message_type: MessageType, body: bytes) -> dict[str, Receipt]:
    """Hand a message to every member; what it returns tells what becomes of it. Raises `HomeAssistantError`."""
    if not coordinator.members:
        empty = {"name": coordinator.name}
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="group_empty", translation_placeholders=empty)
    for member in loaded_devices(coordinator.hass):
        if member.identity in coordinator.members:
            check_relay(member, body)
    try:
        return await coordinator.async_send(message_type, body)
    except StorageError as error:
        name = {"name": coordinator.name}
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="group_not_stored", translation_placeholders=name) from error
    except LocalError as error:
        raise translated(error, coordinator) from error


async def async_tell_group(coordinator: GroupCoordinator, message_type: MessageType, body: bytes, seconds: float) -> dict[str, Receipt]:
    """As `async_queue_for_group`, and wait until every member has confirmed or missed it, at most for `seconds`."""
    receipts = await async_queue_for_group(coordinator, message_type, body)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(receipt.ended.wait() for receipt in receipts.values()))
    return receipts


def no_commands() -> ServiceValidationError:
    """Return the error that says why a group takes no bytes."""
    return ServiceValidationError(translation_domain=DOMAIN, translation_key="group_takes_no_commands")


def translated(error: LocalError, coordinator: GroupCoordinator) -> HomeAssistantError:
    """Return what people read of an error of the protocol."""
    name = {"name": coordinator.name}
    match error:
        case CommandError():
            return no_commands()
        case MessageTooLargeError():
            limit = {"limit": str(BODY_MAX)}
            return ServiceValidationError(translation_domain=DOMAIN, translation_key="message_too_large", translation_placeholders=limit)
        case GroupUsedUpError():
            return HomeAssistantError(translation_domain=DOMAIN, translation_key="group_used_up", translation_placeholders=name)
        case _:
            return HomeAssistantError(translation_domain=DOMAIN, translation_key="not_ready", translation_placeholders=name)
