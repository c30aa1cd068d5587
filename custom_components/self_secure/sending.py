"""Sending and changing keys on behalf of a person: the layers' errors become translated ones, once."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .const import DOMAIN
from .coordinator import SelfSecureCoordinator
from .deliveries import Delivery, Fate
from .protocol.errors import LocalError, MessageTooLargeError, QueueFullError
from .protocol.events import MessageType
from .protocol.limits import INNER_BODY_MAX, QUEUE_MAX

TIMEOUT_DEFAULT: Final = 30  # s: a device that is awake answers in two or three


def check_size(targets: Iterable[SelfSecureCoordinator], body: bytes) -> None:
    """Raise `ServiceValidationError` if one of the devices cannot take so long a message, before any of them gets it."""
    for coordinator in targets:
        if len(body) > coordinator.connection.body_max:
            raise translated(MessageTooLargeError(), coordinator)
        check_relay(coordinator, body)


def check_relay(coordinator: SelfSecureCoordinator, body: bytes) -> None:
    """Raise `ServiceValidationError` if the device is behind a relay, which carries less of a message."""
    relay = coordinator.reach.way if len(body) > INNER_BODY_MAX else None
    if relay is not None:
        told = {"name": coordinator.name, "relay": relay.name(), "limit": str(INNER_BODY_MAX)}
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="message_too_large_for_relay", translation_placeholders=told
        )


async def async_queue(coordinator: SelfSecureCoordinator, message_type: MessageType, body: bytes) -> Delivery:
    """Queue a message, on the disk when this returns; what it returns tells what becomes of it. Raises `HomeAssistantError`."""
    check_relay(coordinator, body)
    try:
        return await coordinator.async_send(message_type, body)
    except LocalError as error:
        raise translated(error, coordinator) from error


async def async_deliver(coordinator: SelfSecureCoordinator, message_type: MessageType, body: bytes, seconds: float) -> Delivery:
    """Queue a message and wait for its acknowledgement; after `seconds` it stays queued. Raises `HomeAssistantError`."""
    delivery = await async_queue(coordinator, message_type, body)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await delivery.ended.wait()
    return delivery


def undelivered(fate: Fate, names: str, seconds: float) -> HomeAssistantError:
    """Return the error that says what became of a message."""
    name = {"name": names}
    match fate:
        case Fate.ABANDONED:
            return HomeAssistantError(translation_domain=DOMAIN, translation_key="message_abandoned", translation_placeholders=name)
        case Fate.INTERRUPTED:
            return HomeAssistantError(translation_domain=DOMAIN, translation_key="message_interrupted", translation_placeholders=name)
        case _:
            late = {"name": names, "seconds": f"{seconds:g}"}
            return HomeAssistantError(translation_domain=DOMAIN, translation_key="not_delivered", translation_placeholders=late)


async def async_change_key(coordinator: SelfSecureCoordinator, seconds: float) -> int | None:
    """Return the epoch of the new keys, None after `seconds`: then they change at the next contact. Raises `HomeAssistantError`."""
    try:
        changed = coordinator.async_rotate()
        async with asyncio.timeout(seconds):
            return await changed
    except LocalError as error:
        raise translated(error, coordinator) from error
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
