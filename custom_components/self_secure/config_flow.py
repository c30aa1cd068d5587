"""Pairing in the user interface: discovered, confirmed, broadcast, code compared, done."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
import math
import time
from typing import Any, Final, override

from homeassistant.components import bluetooth
from homeassistant.components.bluetooth import BluetoothServiceInfoBleak
from homeassistant.config_entries import ConfigEntryState, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_ADDRESS, CONF_NAME
from homeassistant.core import HassJob, callback
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow, section
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.selector import SelectSelector, SelectSelectorConfig, SelectSelectorMode
from homeassistant.setup import async_setup_component
import probatio

from . import radio
from .const import CONF_HUB, CONF_IDENTITY, DOMAIN, FIELD_METHOD, FIELD_VERDICT, SECTION_SECURITY
from .hub import HUB
from .pairing import AlreadyPairedError, PairingAttempt, PairingError
from .protocol.errors import Cause
from .protocol.events import PairingProgressed, Verdict
from .protocol.suites import HYBRID, LOSS, PAPER
from .transport.beacon import Beacon, BeaconState, RandomPacket

LOOK_AGAIN_SECONDS: Final = 60.0  # a broadcast takes about that long
REFRESH_SECONDS: Final = 1.0  # between two texts of the progress step

_VERDICTS: Final = SelectSelector(
    SelectSelectorConfig(options=[verdict.value for verdict in Verdict], mode=SelectSelectorMode.LIST, translation_key=FIELD_VERDICT)
)


def _text_of(progress: PairingProgressed, assumed_loss: int) -> dict[str, str]:
    """Return the numbers that the progress step shows."""
    return {
        "packets": str(progress.packets),
        "minimum": str(progress.minimum),
        "loss": f"{100 * progress.loss:.0f}",
        "secrecy": f"{progress.secrecy_bits:.0f}",
        "target": str(progress.target_bits),
        "assumed_loss": str(assumed_loss),
        "scanners": str(progress.scanners),
        "seconds": f"{progress.seconds_left:.0f}",
    }


_METHODS: Final = {suite.name: suite.id for suite in (HYBRID, LOSS, PAPER)}
_METHOD: Final = SelectSelector(
    SelectSelectorConfig(options=list(_METHODS), mode=SelectSelectorMode.DROPDOWN, translation_key=FIELD_METHOD)
)


class SelfSecureConfigFlow(ConfigFlow, domain=DOMAIN):
    """One flow pairs one device; nobody is contacted before the user says so."""

    VERSION = 1

    def __init__(self) -> None:
        self._address = ""
        self._name = ""
        self._beacon: Beacon | None = None
        self._floor: int | None = None  # weakest suite that the user accepts of this device
        self._found: dict[str, tuple[Beacon, str]] = {}  # in step user: beacon and name by address
        self._attempt: PairingAttempt | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._failure: PairingError | None = None
        self._refreshed = -math.inf
        self._progress_text: dict[str, str] = {}  # what the frontend shows: it asks again for each change

    # --- whom

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
        if beacon.state is not BeaconState.READY:
            # it belongs to somebody; hear of it again when that changes
            bluetooth.async_clear_address_from_match_history(self.hass, discovery_info.address)
            return self.async_abort(reason="paired_elsewhere")
        self._choose(discovery_info.address, beacon, await radio.heard_name(self.hass, discovery_info))
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

    def _choose(self, address: str, beacon: Beacon, name: str) -> None:
        self._address, self._beacon = address, beacon
        self._name = name if name and name != address else f"Self-Secure {beacon.short_id.hex().upper()}"
        self.context["title_placeholders"] = {"name": self._name}

    async def async_step_bluetooth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The user has to want it."""
        if user_input is not None:
            self._floor = _METHODS[user_input[SECTION_SECURITY][FIELD_METHOD]]
            return await self.async_step_pair()
        return self.async_show_form(
            step_id="bluetooth_confirm", data_schema=self._with_security({}), description_placeholders={"name": self._name}
        )

    def _with_security(self, fields: Mapping[probatio.Marker, Any]) -> probatio.Schema:
        """Return a form's fields and, folded away, the weakest method that the user accepts of this device."""
        usual = next(
            name for name, number in _METHODS.items() if number == (self.hass.data[HUB].floor if HUB in self.hass.data else HYBRID.id)
        )
        methods = probatio.Schema({probatio.Required(FIELD_METHOD, default=usual): _METHOD})
        return probatio.Schema({**fields, probatio.Optional(SECTION_SECURITY, default=dict): section(methods, {"collapsed": True})})

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The user picks one of the devices that are heard now."""
        if user_input is not None:
            beacon, name = self._found[user_input[CONF_ADDRESS]]
            await self.async_set_unique_id(beacon.short_id.hex(), raise_on_progress=False)
            self._choose(user_input[CONF_ADDRESS], beacon, name)
            self._floor = _METHODS[user_input[SECTION_SECURITY][FIELD_METHOD]]
            return await self.async_step_pair()
        self._find_devices()
        if not self._found:
            return self.async_abort(reason="no_devices_found")
        names = {address: f"{name} ({address})" for address, (_, name) in self._found.items()}
        schema = self._with_security({probatio.Required(CONF_ADDRESS): probatio.In(names)})
        return self.async_show_form(step_id="user", data_schema=schema)

    def _find_devices(self) -> None:
        paired = {(unique_id or "")[:8] for unique_id in self._async_current_ids(include_ignore=False)}
        for info in bluetooth.async_discovered_service_info(self.hass, connectable=True):
            beacon = radio.last_said(info)
            if isinstance(beacon, Beacon) and beacon.short_id.hex() not in paired:
                self._found[info.address] = (beacon, info.name)

    # --- the negotiation

    async def async_step_pair(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:  # noqa: ARG002  # every step gets it
        """Show how the broadcast is collected, until there is a code or a failure."""
        if self._waiting is None:
            if not radio.can_connect(self.hass, self._address):
                reason = radio.why_unreachable(self.hass, self._address)
                return self.async_abort(reason="not_connectable", description_placeholders={"name": self._name, "reason": reason})
            if not await async_setup_component(self.hass, DOMAIN, {}):  # before the first entry nobody else has done it
                return self.async_abort(reason=Cause.NOT_STORED.value, description_placeholders={"name": self._name})
            self._waiting = self.hass.async_create_task(self._negotiate(), f"{DOMAIN} pairing {self._name}")
        if not self._waiting.done():
            return self.async_show_progress(
                step_id="pair",
                progress_action="collecting" if self._progress_text else "connecting",
                description_placeholders={"name": self._name, **self._progress_text},
                progress_task=self._waiting,
            )
        return self.async_show_progress_done(next_step_id=self._next_step())

    def _next_step(self) -> str:
        if self._failure is not None:
            return "failed"
        return "code" if self._attempt is not None and self._attempt.code is not None else "finish"

    async def _negotiate(self) -> None:
        if self._beacon is None:
            raise ValueError("no device was chosen")
        self._attempt = PairingAttempt(self.hass, self._address, self._beacon.short_id, self._name, self._on_progress)
        self._attempt.floor = self._floor
        try:
            await self._attempt.start()
            await self._attempt.comparable()
        except PairingError as error:
            self._failure = error

    @callback
    def _on_progress(self) -> None:
        progress = self._attempt.progress if self._attempt else None
        if progress is None or time.monotonic() < self._refreshed + REFRESH_SECONDS:
            return
        self._refreshed = time.monotonic()
        self._progress_text = _text_of(progress, self.hass.data[HUB].assumed_loss)
        self.hass.async_create_task(self._refresh(progress.fraction), f"{DOMAIN} progress {self._name}")

    async def _refresh(self, fraction: float) -> None:
        """Show the step again: its text changes in no other way, and the frontend forgets the percentage with it."""
        if self.cur_step is None or self.cur_step["type"] is not FlowResultType.SHOW_PROGRESS:
            return
        try:
            await self.hass.config_entries.flow.async_configure(self.flow_id)
        except UnknownFlow:
            return  # closed meanwhile
        self.async_update_progress(fraction)

    # --- the end

    async def async_step_code(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The user compares the two codes; a device never does."""
        verdict = (user_input or {}).get(FIELD_VERDICT)
        if verdict is None or self._attempt is None:
            return self.async_show_form(
                step_id="code",
                # not required: the frontend would answer for the user, with the first option
                data_schema=probatio.Schema({probatio.Optional(FIELD_VERDICT): _VERDICTS}),
                errors={} if user_input is None else {FIELD_VERDICT: "not_answered"},
                description_placeholders={"name": self._name, "code": (self._attempt and self._attempt.code) or ""},
            )
        try:
            await self._attempt.answer(Verdict(verdict))
        except PairingError as error:
            self._failure = error
            return await self.async_step_failed()
        return await self.async_step_finish()

    async def async_step_failed(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:  # noqa: ARG002  # every step gets it
        """Each cause has its own text; the suspicious ones have one more that tells to reset the device."""
        failure = self._failure
        if failure is None:
            raise ValueError("nothing has failed")
        if isinstance(failure, AlreadyPairedError):
            return self.async_abort(reason="already_configured")
        reason = f"{failure.cause.value}_suspicious" if failure.suspicious else failure.cause.value
        return self.async_abort(reason=reason, description_placeholders={"name": self._name})

    async def async_step_finish(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:  # noqa: ARG002  # every step gets it
        """The key is stored: make the entry, which goes on with the running client."""
        if self._attempt is None:
            raise ValueError("nothing was negotiated")
        identity = (await self._attempt.completed()).identity.hex()
        self._name = await self._attempt.name() or self._name
        self._abort_others()
        await self.async_set_unique_id(identity, raise_on_progress=False)
        self._attempt.hand_over(identity)
        self._attempt = None
        data = {CONF_ADDRESS: self._address, CONF_IDENTITY: identity, CONF_NAME: self._name, CONF_HUB: self.hass.data[HUB].hub_id.hex()}
        return self.async_create_entry(title=self._name, data=data)

    def _abort_others(self) -> None:
        """Close the discovered card of a device that was picked from the list."""
        for flow in self._async_in_progress(include_uninitialized=True):
            if flow["context"].get("unique_id") == self.unique_id:
                self.hass.config_entries.flow.async_abort(flow["flow_id"])

    @callback
    @override
    def async_remove(self) -> None:
        """The dialog is gone: end what runs on both sides, and let the device be discovered again."""
        if self._waiting is None or (self._attempt is None and self._failure is None):
            return
        self._waiting.cancel()
        if self._attempt is not None:
            self.hass.async_create_background_task(self._attempt.close(), f"{DOMAIN} end of pairing {self._name}")
        radio.async_rediscover(self.hass, self._address)
