"""Telling a device that it is not wanted any more, before its key is erased (protocol.md 6, FORGET)."""

import asyncio
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_ADDRESS
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from . import radio
from .const import CONF_IDENTITY
from .hub import HUB
from .protocol.errors import LocalError, SnapshotError
from .protocol.events import Event, MessageDelivered
from .reach import Reach
from .store import device_store, saver
from .transport.beacon import SHORT_ID_SIZE
from .transport.client import Client

_LOGGER = logging.getLogger(__name__)

FAREWELL_SECONDS: Final = 10.0  # a connection, a resume and one message; the user waits for it
RELAYED_SECONDS: Final = 25.0  # through a relay, which has to be connected with both


async def async_say_farewell(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Let the device of an unloaded entry forget this Home Assistant; return whether it has confirmed that.

    Ends within `FAREWELL_SECONDS` (`RELAYED_SECONDS` through a relay), and at once if nobody hears the device who could connect.
    """
    told = False
    try:
        client = await _async_client(hass, entry)
        if client is not None:
            near = radio.can_connect(hass, entry.data[CONF_ADDRESS])
            told = await _async_dismiss(client, FAREWELL_SECONDS if near else RELAYED_SECONDS)
    except (HomeAssistantError, SnapshotError, LocalError) as error:
        _LOGGER.debug("%s: no key to say farewell with: %s", entry.title, error)
    if not told:
        _LOGGER.info("%s could not be told that it was removed: reset it before it is paired again", entry.title)
    return told


async def _async_client(hass: HomeAssistant, entry: ConfigEntry) -> Client | None:
    """Return a client of its own for a device that can be reached now."""
    if HUB not in hass.data:
        return None
    address, identity = entry.data[CONF_ADDRESS], entry.data[CONF_IDENTITY]
    connection = hass.data[HUB].connection(await device_store(hass, identity).async_load())
    reach = Reach(hass, bytes.fromhex(identity)[:SHORT_ID_SIZE], lambda: address, entry.title)
    client = Client(connection, reach.new_link, saver(hass, identity), lambda _: None, entry.title)
    reach.serve(client)
    return client if radio.can_connect(hass, address) or reach.carrying else None


async def _async_dismiss(client: Client, seconds: float) -> bool:
    delivered = asyncio.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, MessageDelivered):  # nothing else is queued any more
            delivered.set()

    client.on_event = on_event
    client.start()
    try:
        async with asyncio.timeout(seconds):
            await client.dismiss()
            await delivered.wait()
    except TimeoutError:
        return False
    finally:
        await client.stop()
    return True
