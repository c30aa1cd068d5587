"""Devices that are not paired and that only relays hear: shown as discovered, never contacted before the user wants it."""

from datetime import datetime
from typing import Final

from homeassistant.components.bluetooth import MONOTONIC_TIME
from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, ConfigFlowContext
from homeassistant.core import HassJob, HomeAssistant, callback
from homeassistant.helpers.discovery_flow import async_create_flow
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey

from . import radio
from .const import CONF_SHORT_ID, DOMAIN
from .hub import HUB
from .transport.beacon import SHORT_ID_SIZE, BeaconState

SHOWN_MAX: Final = 8  # cards at a time: what a relay tells is not checked by anything before a pairing
AGAIN_SECONDS: Final = 1.0  # after a dialog was closed: its flow has to be gone

FAR: HassKey[FarDevices] = HassKey(f"{DOMAIN}_far")


class FarDevices:
    """Looks at the relays' lists for who could be paired through them."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._shown: set[bytes] = set()  # short ids of those that a flow was begun for

    def ready(self) -> list[bytes]:
        """Return the short ids of devices that could be paired now, and only through a relay."""
        hub = self._hass.data[HUB]
        entries = self._hass.config_entries.async_entries(DOMAIN, include_ignore=False)
        paired = {(entry.unique_id or "")[: 2 * SHORT_ID_SIZE] for entry in entries}
        return sorted(short_id for short_id in hub.relays.heard() if short_id.hex() not in paired and self._is_ready(short_id))

    def _is_ready(self, short_id: bytes) -> bool:
        hub = self._hass.data[HUB]
        direct = [row for relay, row in hub.relays.hearing(short_id) if relay.is_direct()]
        wanted = any(row.state == BeaconState.READY for row in direct) or (direct and hub.unfinished_key(short_id) is not None)
        return bool(wanted) and not self._is_near(short_id)

    def _is_near(self, short_id: bytes) -> bool:
        """Whether it is heard without a relay, which the ordinary discovery shows."""
        heard = radio.heard_addresses(self._hass, short_id).values()
        return any(time > MONOTONIC_TIME() - radio.SILENCE_SECONDS for time in heard)

    @callback
    def look(self, _now: datetime | None = None) -> None:
        """A relay has told anew whom it hears."""
        self._shown &= self._hass.data[HUB].relays.heard()
        for short_id in self.ready():
            if short_id not in self._shown and self._open_flows() < SHOWN_MAX:
                self._shown.add(short_id)
                context = ConfigFlowContext(source=SOURCE_INTEGRATION_DISCOVERY)
                async_create_flow(self._hass, DOMAIN, context=context, data={CONF_SHORT_ID: short_id.hex()})

    def _open_flows(self) -> int:
        flows = self._hass.config_entries.flow.async_progress_by_handler(DOMAIN, include_uninitialized=True)
        return sum(flow["context"]["source"] == SOURCE_INTEGRATION_DISCOVERY for flow in flows)

    @callback
    def forget(self, short_id: bytes) -> None:
        """A dialog was closed, or a device removed: it may be shown again."""
        if short_id in self._shown:
            self._shown.discard(short_id)
            async_call_later(self._hass, AGAIN_SECONDS, HassJob(self.look, cancel_on_shutdown=True))


@callback
def async_start(hass: HomeAssistant) -> None:
    """Begin to look, as soon as a relay tells something."""
    far = hass.data[FAR] = FarDevices(hass)
    hass.data[HUB].relays.listeners.add(far.look)
