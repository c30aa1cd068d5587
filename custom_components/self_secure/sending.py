"""Sending and changing keys on behalf of a person: the layers' errors become translated ones, once."""

import asyncio
from typing import Final

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .const import DOMAIN
from .coordinator import SelfSecureCoordinator
from .deliveries import Delivery
from .protocol.errors import LocalError, MessageTooLargeError, QueueFullError
from .protocol.events import MessageType
from .protocol.limits import QUEUE_MAX

TIMEOUT_DEFAULT: Final = 30  # s: a device that is awake answers in two or three


async def async_queue(coordinator: SelfSecureCoordinator, message_type: MessageType, body: bytes) -> asyncio.Future[Delivery]:
    """Queue a message; the future tells what became of it. Raises `HomeAssistantError`."""
    try:
        return await coordinator.async_send(message_type, body)
    except LocalError as error:
        raise translated(error, coordinator) from error


async def async_deliver(coordinator: SelfSecureCoordinator, message_type: MessageType, body: bytes, seconds: float) -> Delivery:
    """Queue a message and wait for its acknowledgement; after `seconds` it stays queued. Raises `HomeAssistantError`."""
    acknowledged = await async_queue(coordinator, message_type, body)
    try:
        async with asyncio.timeout(seconds):
            return await acknowledged
    except TimeoutError:
        return Delivery()


async def async_change_key(coordinator: SelfSecureCoordinator, seconds: float) -> int | None:
    """Return the epoch of the new keys, None after `seconds`: then they change at the next contact. Raises `HomeAssistantError`."""
    try:
        changed = coordinator.async_rotate()
    except LocalError as error:
        raise translated(error, coordinator) from error
    try:
        async with asyncio.timeout(seconds):
            return await changed
    except TimeoutError:
        return None


def key_unchanged(names: str, seconds: float) -> HomeAssistantError:
    """Return the error that says so."""
    placeholders = {"name": names, "seconds": f"{seconds:g}"}
    return HomeAssistantError(translation_domain=DOMAIN, translation_key="key_unchanged", translation_placeholders=placeholders)


def translated(error: LocalError, coordinator: SelfSecureCoordinator) -> HomeAssistantError:
    """Return what people read of an error of the protocol."""
    name = coordinator.name
    match error:
        case MessageTooLargeError():
            limit = {"limit": str(coordinator.connection.body_max)}
            return ServiceValidationError(translation_domain=DOMAIN, translation_key="message_too_large", translation_placeholders=limit)
        case QueueFullError():
            full = {"name": name, "limit": str(QUEUE_MAX)}
            return HomeAssistantError(translation_domain=DOMAIN, translation_key="queue_full", translation_placeholders=full)
        case _:
            return HomeAssistantError(translation_domain=DOMAIN, translation_key="not_ready", translation_placeholders={"name": name})
