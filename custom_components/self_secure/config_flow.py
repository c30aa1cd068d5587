"""Who is to be paired: discovered, picked from a list, or paired again; nobody is contacted before the user says so."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, override

from homeassistant.components import bluetooth
from homeassistant.components.bluetooth import BluetoothServiceInfoBleak
from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigFlowResult, OptionsFlow, UnknownEntry
from homeassistant.const import CONF_ADDRESS
from homeassistant.core import HassJob, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.typing import DiscoveryInfoType
from homeassistant.setup import async_setup_component
import probatio

from . import flow_forms, messages, radio, reach
from .batch import Candidate
from .const import CONF_IDENTITY, CONF_SHORT_ID, DOMAIN, FIELD_DEVICES, OPTION_FLOOR
from .far import FAR
from .group_flow import GroupOptionsFlow, GroupSteps
from .groups import device_entries, is_group
from .hub import HUB
from .options_flow import SelfSecureOptionsFlow
from .pairing_flow import PairingSteps
from .transport.beacon import SHORT_ID_SIZE, Beacon, BeaconState, RandomPacket

LOOK_AGAIN_SECONDS: Final = 60.0  # a broadcast takes about that long
SCAN_SECONDS: Final = 5.0  # a beacon comes several times a second, its name less often


class SelfSecureConfigFlow(PairingSteps, GroupSteps, domain=DOMAIN):
    """One flow pairs what the user has chosen, or makes a group of what is paired."""

    VERSION = 1

    def __init__(self) -> None:
        super().__init__()
        self._discovered: Candidate | None = None
        self._found: dict[str, Candidate] = {}  # in step choose, by address
        self._scan: asyncio.Task[None] | None = None

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return what edits the options of a device and those of all devices, or the members of a group."""
        return GroupOptionsFlow() if is_group(config_entry) else SelfSecureOptionsFlow()

    # --- discovered

    @property
    def discovered(self) -> Candidate:
        """Whom a step of confirmation is about; every way to one knows."""
        if self._discovered is None:
            raise ValueError("nothing was discovered")
        return self._discovered

    @override
    async def async_step_bluetooth(self, discovery_info: BluetoothServiceInfoBleak) -> ConfigFlowResult:
        """A beacon was heard for the first time."""
        beacon = radio.last_said(discovery_info)
        if isinstance(beacon, RandomPacket):
            self._look_again_later(discovery_info.address)
        if not isinstance(beacon, Beacon):
            return self.async_abort(reason="not_supported")
        await self.async_set_unique_id(beacon.short_id.hex())
        self._abort_if_unique_id_configured()
        self._abort_if_paired(beacon, discovery_info.address)
        if beacon.state is not BeaconState.READY and not await self._is_unfinished(beacon):
            # it belongs to somebody; hear of it again when that changes
            bluetooth.async_clear_address_from_match_history(self.hass, discovery_info.address)
            return self.async_abort(reason="paired_elsewhere")
        name = await radio.heard_name(self.hass, discovery_info)
        self._discovered = _candidate(discovery_info.address, beacon, name)
        self.context["title_placeholders"] = {"name": self._discovered.name}
        return await self.async_step_bluetooth_confirm()

    def _look_again_later(self, address: str) -> None:
        """A broadcast (its UUID comes from an earlier beacon) is no reason never to look at this address again."""

        @callback
        def look(_now: datetime) -> None:
            radio.async_rediscover(self.hass, address)

        async_call_later(self.hass, LOOK_AGAIN_SECONDS, HassJob(look, cancel_on_shutdown=True))

    def _abort_if_paired(self, beacon: Beacon, address: str) -> None:
        """Stop for a device that has an entry, which learns of the address it was heard from."""
        for entry in self._async_current_entries(include_ignore=False):
            if (entry.unique_id or "").startswith(beacon.short_id.hex()):
                if entry.state is ConfigEntryState.LOADED:
                    entry.runtime_data.async_address_seen(address)
                self._async_abort_entries_match({CONF_IDENTITY: entry.unique_id})

    async def _is_unfinished(self, beacon: Beacon) -> bool:
        """Whether this device is ours, and Home Assistant was killed before it had written the entry."""
        known = await async_setup_component(self.hass, DOMAIN, {})
        return known and self.hass.data[HUB].unfinished_key(beacon.short_id) is not None

    async def async_step_bluetooth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The user has to want it."""
        candidate = self.discovered
        if user_input is not None:
            candidate.floor = flow_forms.chosen_floor(user_input)
            return await self.begin([candidate])
        return self.async_show_form(
            step_id="bluetooth_confirm",
            data_schema=flow_forms.security_form(self.usual_floor),
            description_placeholders={"name": candidate.name},
        )

    @override
    async def async_step_integration_discovery(self, discovery_info: DiscoveryInfoType) -> ConfigFlowResult:
        """A relay hears a device that is out of reach."""
        short_id = bytes.fromhex(discovery_info[CONF_SHORT_ID])
        await self.async_set_unique_id(short_id.hex())
        self._abort_if_unique_id_configured()
        if short_id not in self.hass.data[FAR].ready():  # paired in another dialog, or heard without a relay by now
            return self.async_abort(reason="already_configured")
        self._discovered = _far_candidate(short_id)
        self.context["title_placeholders"] = {"name": self._discovered.name}
        return await self.async_step_relay_confirm()

    async def async_step_relay_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The user has to know that a relay is in between, and what that means."""
        candidate = self.discovered
        if user_input is not None:
            return await self.begin([candidate])
        return self.async_show_form(
            step_id="relay_confirm",
            data_schema=probatio.Schema({}),
            description_placeholders={"name": candidate.name, "relay": candidate.relay(self.hass) or flow_forms.NOBODY},
        )

    # --- picked from the list

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what to add, where there are devices to make a group of."""
        if any(True for _ in device_entries(self.hass)):
            return self.async_show_menu(step_id="user", menu_options=["devices", "group"])
        return await self.async_step_devices()

    async def async_step_devices(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:  # noqa: ARG002  # every step gets it
        """Ask all adapters that can to listen for scan responses, too."""
        if self._scan is None:
            if not radio.has_adapter(self.hass):
                return self.async_abort(reason="no_adapter")
            self._scan = self.hass.async_create_task(bluetooth.async_request_active_scan(self.hass, SCAN_SECONDS), f"{DOMAIN} scan")
            if self._scan.done():  # no scanner to ask; Home Assistant would hand the menu's answer to the step after a progress
                return await self.async_step_choose()
        if not self._scan.done():
            return self.async_show_progress(step_id="devices", progress_action="scanning", progress_task=self._scan)
        return self.async_show_progress_done(next_step_id="choose")

    async def async_step_choose(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The user picks some of the devices that are heard now."""
        if user_input is None:
            return self._show_found()
        chosen = [self._found[address] for address in user_input[FIELD_DEVICES] if address in self._found]
        if not chosen:
            return self._show_found({FIELD_DEVICES: "nothing_chosen"})
        if len(chosen) > 1 and any(candidate.relayed for candidate in chosen):
            return self._show_found({FIELD_DEVICES: "relay_alone"})
        for candidate in chosen:
            candidate.floor = flow_forms.chosen_floor(user_input)
        if len(chosen) == 1:
            await self.async_set_unique_id(chosen[0].short_id.hex(), raise_on_progress=False)
        if chosen[0].relayed:
            self._discovered = chosen[0]
            return await self.async_step_relay_confirm()
        return await self.begin(chosen)

    def _show_found(self, errors: dict[str, str] | None = None) -> ConfigFlowResult:
        heard = self._hear()
        if not radio.has_adapter(self.hass):  # unplugged during the scan
            return self.async_abort(reason="no_adapter")
        far = self._hear_far()
        if not heard and not far:
            return self.async_abort(reason="no_devices_found")
        reachable = {info.address: info for info in bluetooth.async_discovered_service_info(self.hass, connectable=True)}
        near = [one for one, _ in heard if one.address in reachable]
        self._found = {flow_forms.key_of(one): one for one in (*near, *far)}
        passive = flow_forms.names(one for one, _ in heard if one.address not in reachable)
        if not self._found:
            return self.async_abort(reason="only_passive", description_placeholders={"devices": passive})
        listed = [(one, self._signal(reachable[one.address])) for one in near] + list(far.items())
        taken = flow_forms.names(one for one, state in heard if state is not BeaconState.READY)
        return self.async_show_form(
            step_id="choose",
            data_schema=flow_forms.security_form(self.usual_floor, flow_forms.devices_field(listed)),
            errors=errors,
            description_placeholders={"taken": taken, "passive": passive, "far": flow_forms.names(far)},
        )

    def _signal(self, info: BluetoothServiceInfoBleak) -> str:
        return f"{info.rssi} dBm, {radio.receiver_name(self.hass, info.source)}"

    def _hear_far(self) -> dict[Candidate, str]:
        """Return the devices that only relays hear, each with its signal at the best of them, and that one's name."""
        if FAR not in self.hass.data:
            return {}
        found = {}
        for short_id in self.hass.data[FAR].ready():
            relay, row = self.hass.data[HUB].relays.hearing(short_id)[0]
            found[_far_candidate(short_id)] = f"{row.rssi} dBm, {relay.name()}"
        return found

    def _hear(self) -> list[tuple[Candidate, BeaconState]]:
        """Return what is heard of devices that are not paired here, the strongest first."""
        paired = {(unique_id or "")[: 2 * SHORT_ID_SIZE] for unique_id in self._async_current_ids(include_ignore=False)}
        infos = sorted(bluetooth.async_discovered_service_info(self.hass, connectable=False), key=lambda info: -info.rssi)
        heard = ((info, radio.last_said(info)) for info in infos)
        return [
            (_candidate(info.address, beacon, info.name), beacon.state)
            for info, beacon in heard
            if isinstance(beacon, Beacon) and beacon.short_id.hex() not in paired
        ]

    # --- paired again

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:  # noqa: ARG002  # Home Assistant's signature
        """The device or Home Assistant needs a new key; there is nothing to type."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The user has to want it, and to press the device's button."""
        entry = self._get_reauth_entry()
        if user_input is not None:
            return await self._pair_again(entry, None)
        return self.async_show_form(
            step_id="reauth_confirm", data_schema=probatio.Schema({}), description_placeholders={"name": entry.title}
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Pair again, perhaps with another method; the old key counts until the new one does."""
        try:
            entry = self._get_reconfigure_entry()
        except UnknownEntry:
            return self.async_abort(reason="entry_removed")
        if is_group(entry):
            return self.async_abort(reason="group_has_no_pairing")
        if user_input is not None:
            return await self._pair_again(entry, flow_forms.chosen_floor(user_input))
        floor = entry.options.get(OPTION_FLOOR, self.usual_floor)
        return self.async_show_form(
            step_id="reconfigure", data_schema=flow_forms.security_form(floor), description_placeholders={"name": entry.title}
        )

    async def _pair_again(self, entry: ConfigEntry, floor: int | None) -> ConfigFlowResult:
        if entry.error_reason_translation_key == "newer_version":  # pairing would write over what this version cannot read
            return self.async_abort(reason="newer_version")
        loaded = entry.state is ConfigEntryState.LOADED
        address = entry.runtime_data.address if loaded else entry.data[CONF_ADDRESS]
        short_id = bytes.fromhex(entry.data[CONF_IDENTITY])[:SHORT_ID_SIZE]
        wanted = entry.options.get(OPTION_FLOOR) if floor is None else floor
        candidate = Candidate(address, short_id, entry.title, wanted, entry)
        near = entry.runtime_data.reach.is_near if loaded else radio.heard_lately(self.hass, address, reach.NEAR_SECONDS)
        if candidate.relay(self.hass) and not near:
            candidate.relayed, self._discovered = True, candidate
            return await self.async_step_relay_confirm()
        return await self.begin([candidate])


def _candidate(address: str, beacon: Beacon, name: str) -> Candidate:
    """Return the device behind a beacon; without a name of its own it is called after its short id."""
    known = messages.plain(name) if name != address else ""
    return Candidate(address, beacon.short_id, known or _nameless(beacon.short_id))


def _far_candidate(short_id: bytes) -> Candidate:
    """Return a device that only relays hear: they do not tell its name."""
    return Candidate("", short_id, _nameless(short_id), relayed=True)


def _nameless(short_id: bytes) -> str:
    return f"Self-Secure {short_id.hex().upper()}"
