"""The steps of a pairing: broadcast, code, failures, end; for one device or several (config_flow.py chooses them)."""

import asyncio
from contextlib import suppress
from datetime import datetime
import math
import time
from typing import Any, Final, override

from homeassistant.config_entries import SOURCE_IMPORT, SOURCE_RECONFIGURE, ConfigEntryState, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_ADDRESS, CONF_NAME
from homeassistant.core import HassJob, callback
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
from homeassistant.helpers.event import async_call_later
from homeassistant.setup import async_setup_component
import probatio

from . import flow_forms, radio
from .batch import Batch, Candidate
from .const import CONF_HUB, CONF_IDENTITY, DOMAIN, FIELD_NEXT, FIELD_VERDICT, OPTION_FLOOR, SECTION_SECURITY
from .far import FAR
from .hub import HUB
from .issues import OF_A_NEW_KEY, async_solve
from .pairing_errors import AlreadyPairedError, PairingError, UnreachableError
from .protocol.errors import Cause
from .protocol.events import Verdict
from .protocol.suites import HYBRID

FINISH_SECONDS: Final = 30.0  # in which the frontend asks for the last step; it does so at once
REFRESH_SECONDS: Final = 1.0  # between two texts of the progress step


class PairingSteps(ConfigFlow):
    """What all flows have in common once the user has said whom to pair."""

    def __init__(self) -> None:
        self._batch: Batch | None = None
        self._several = False
        self._finishing = False
        self._relay_offered = False  # the step "failed" says that a relay could be in between
        self._waiting: asyncio.Task[None] | None = None
        self._refreshed = -math.inf
        self._progress_text: dict[str, str] = {}  # what the frontend shows: it asks again for each change

    @property
    def batch(self) -> Batch:
        """What runs; there is one in every step below."""
        if self._batch is None:
            raise ValueError("no device was chosen")
        return self._batch

    @property
    def usual_floor(self) -> int:
        """Id of the weakest suite that is accepted of all devices."""
        return self.hass.data[HUB].floor if HUB in self.hass.data else HYBRID.id

    async def begin(self, candidates: list[Candidate]) -> ConfigFlowResult:
        """Pair these devices; the first contact with them."""
        if not await async_setup_component(self.hass, DOMAIN, {}):  # before the first entry nobody else has done it
            return self.async_abort(reason="not_set_up")
        self._several = len(candidates) > 1
        self._batch = Batch(self.hass, self._on_progress, self._on_completed)
        for candidate in candidates:
            self._batch.start(candidate)
        return await self._go_on()

    # --- the negotiation

    async def async_step_pair(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:  # noqa: ARG002  # every step gets it
        """Show how the broadcasts are collected, until there is a code or all have ended."""
        if self._waiting is None:
            self._waiting = self.hass.async_create_task(self.batch.wait(), f"{DOMAIN} pairing")
        if not self._waiting.done():
            return self._show_progress(self._waiting)
        self._waiting = None
        following = self._next_step()
        if following == "finish":
            async_call_later(self.hass, FINISH_SECONDS, HassJob(self._finish_alone, cancel_on_shutdown=True))
        return self.async_show_progress_done(next_step_id=following)

    async def _finish_alone(self, _now: datetime) -> None:
        """Nobody has asked for the last step: the browser was closed, and a key without an entry has nobody who listens."""
        with suppress(UnknownFlow):
            await self.hass.config_entries.flow.async_configure(self.flow_id)

    def _show_progress(self, waiting: asyncio.Task[None]) -> ConfigFlowResult:
        candidate = self.batch.candidates[0]
        return self.async_show_progress(
            step_id="pair",
            progress_action=self._progress_action(),
            description_placeholders={
                "name": candidate.name,
                "address": candidate.address,
                **self._named_relay(candidate),
                **self._progress_text,
            },
            progress_task=waiting,
        )

    def _named_relay(self, candidate: Candidate) -> dict[str, str]:
        return {"relay": candidate.relay(self.hass) or flow_forms.NOBODY} if candidate.relayed else {}

    def _progress_action(self) -> str:
        if self._several:
            self._progress_text = flow_forms.batch_text(self.batch.candidates)
            return "collecting_several"
        candidate = self.batch.candidates[0]
        if candidate.relayed:
            return "collecting_relayed" if self._progress_text else "connecting_relayed"
        if self._progress_text:
            return "collecting"
        return "connecting_elsewhere" if candidate.moved else "connecting"

    def _next_step(self) -> str:
        if self.batch.comparing is not None:
            return "code_relayed" if self.batch.comparing.relayed else "code"
        return "failed" if self.batch.failed is not None else "finish"

    async def _go_on(self) -> ConfigFlowResult:
        """Show what comes after an answer of the user, which Home Assistant would hand to the step after a progress that is over."""
        if self.batch.comparing is None and self.batch.running:
            return await self.async_step_pair()
        steps = {
            "code": self.async_step_code,
            "code_relayed": self.async_step_code_relayed,
            "failed": self.async_step_failed,
            "finish": self.async_step_finish,
        }
        return await steps[self._next_step()]()

    @callback
    def _on_progress(self) -> None:
        running = [one.progress for one in self.batch.candidates if one.progress is not None]
        if not running or time.monotonic() < self._refreshed + REFRESH_SECONDS:
            return
        self._refreshed = time.monotonic()
        self._progress_text = flow_forms.progress_text(running[0], self.hass.data[HUB].assumed_loss)
        fraction = sum(one.fraction for one in running) / len(self.batch.candidates)
        self._refresh(fraction)

    def _refresh(self, fraction: float) -> None:
        """Show the step again with its new text; the frontend forgets the percentage with the old one.

        `async_configure` would do that, too. But when the wait ends in the same moment it goes on to the next step, and the frontend,
        which is to ask for that, would look in vain for a flow that has ended.
        """
        shown = self.cur_step is not None and self.cur_step["type"] is FlowResultType.SHOW_PROGRESS
        if not shown or self._waiting is None or self._waiting.done():
            return
        self.cur_step = self._show_progress(self._waiting)
        del self.cur_step["progress_task"]  # as Home Assistant does
        self.async_notify_flow_changed()
        self.async_update_progress(fraction)

    # --- the user's answer

    async def async_step_code(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The user compares the two codes; a device never does."""
        candidate = self.batch.comparing
        if candidate is None or candidate.attempt is None:  # its time is over
            return await self._go_on()
        verdict = (user_input or {}).get(FIELD_VERDICT)
        if verdict is not None:
            await self.batch.answer(Verdict(verdict))
            return await self._go_on()
        return self.async_show_form(
            step_id=self._next_step(),
            data_schema=flow_forms.code_form(relayed=candidate.relayed),
            errors={} if user_input is None else {FIELD_VERDICT: "not_answered"},
            description_placeholders={"name": candidate.name, "code": candidate.attempt.code or "", **self._named_relay(candidate)},
        )

    async def async_step_code_relayed(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Only the comparison tells whether the relay has kept out of it."""
        return await self.async_step_code(user_input)

    async def async_step_failed(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Each cause has its own text; the user may try again."""
        if self._entry_is_gone():
            return self.async_abort(reason="entry_removed")
        candidate = self.batch.failed
        if candidate is None or candidate.failure is None:
            return await self._go_on()
        if isinstance(candidate.failure, AlreadyPairedError):
            return await self._already_paired(candidate)
        if user_input is not None:
            return await self._after_failure(candidate, user_input)
        return self._show_failure(candidate, candidate.failure)

    def _show_failure(self, candidate: Candidate, failure: PairingError) -> ConfigFlowResult:
        address = candidate.heard_elsewhere(self.hass) or candidate.address
        detail = failure.detail if isinstance(failure, UnreachableError) else ""
        reason = candidate.reason(self.hass)
        self._relay_offered = reason == "only_relay"
        return self.async_show_form(
            step_id="failed",
            data_schema=self._failed_form(candidate, failure.cause),
            errors={"base": reason},
            description_placeholders={"name": candidate.name, "reason": detail, "address": address, "relay": candidate.relay(self.hass)},
        )

    def _entry_is_gone(self) -> bool:
        """Whether the device that is being paired again has been removed meanwhile, so that nothing can be said about it."""
        again = [one.entry.entry_id for one in self.batch.candidates if one.entry is not None]
        return any(self.hass.config_entries.async_get_entry(entry_id) is None for entry_id in again)

    async def _already_paired(self, candidate: Candidate) -> ConfigFlowResult:
        if not self._several:
            return self.async_abort(reason="already_configured")
        self.batch.leave_out(candidate)
        return await self._go_on()

    def _failed_form(self, candidate: Candidate, cause: Cause) -> probatio.Schema:
        fields: flow_forms.Fields = flow_forms.next_field() if self._several else {}
        if cause is Cause.SUITE_BELOW_FLOOR:
            floor = self.usual_floor if candidate.floor is None else candidate.floor
            return flow_forms.security_form(floor, fields, collapsed=False)
        return probatio.Schema(dict(fields))

    async def _after_failure(self, candidate: Candidate, user_input: dict[str, Any]) -> ConfigFlowResult:
        if user_input.get(FIELD_NEXT) == flow_forms.LEAVE_OUT:
            self.batch.leave_out(candidate)
            return await self._go_on()
        if SECTION_SECURITY in user_input:
            candidate.floor = flow_forms.chosen_floor(user_input)
        self._progress_text = {}
        candidate.relayed |= self._relay_offered
        self.batch.start(candidate)
        return await self._go_on()

    # --- the end

    async def async_step_finish(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:  # noqa: ARG002  # every step gets it
        """The keys are stored: make the entry, which goes on with the running client.

        When the wait ends, Home Assistant itself and the frontend may both go on: an entry made twice would replace itself.
        """
        if self._finishing:
            raise UnknownFlow
        self._finishing = True
        if self._several:
            told = flow_forms.outcome_text(self.batch.candidates, self.batch.left_out)
            return self.async_abort(reason="several_paired" if self.batch.candidates else "none_paired", description_placeholders=told)
        if self._entry_is_gone():
            return self.async_abort(reason="entry_removed")
        candidate = self.batch.candidates[0]
        if candidate.identity is None:
            raise ValueError("the pairing ended without a key and without a cause")
        handed_over = candidate.hand_over()
        if candidate.entry is not None:
            return self._update(candidate, handed_over)
        return await self._create(self._data_of(candidate), self._options_of(candidate))

    def _update(self, candidate: Candidate, handed_over: bool) -> ConfigFlowResult:
        """Finish a pairing of a device that has an entry; one that has been handed a client has to take it."""
        entry = candidate.entry
        if entry is None:
            raise ValueError("there is no entry")
        if handed_over or entry.state is not ConfigEntryState.LOADED:
            async_solve(self.hass, entry, *OF_A_NEW_KEY)  # nobody watches an entry that is not loaded
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        if entry.disabled_by is not None:  # then nobody takes the client; what it knows is on disk
            self.hass.async_create_task(self.hass.data[HUB].async_take_back(candidate.identity), f"{DOMAIN} end of pairing")
        kept = {name: value for name, value in entry.options.items() if name != OPTION_FLOOR or candidate.floor is None}
        # without a reason Home Assistant would take its own text
        reason = "reconfigure_successful" if self.source == SOURCE_RECONFIGURE else "reauth_successful"
        # the address of a client that is loaded is the coordinator's concern
        address = {CONF_ADDRESS: candidate.address} if handed_over else {}
        return self.async_update_and_abort(entry, data_updates=address, options={**kept, **self._options_of(candidate)}, reason=reason)

    async def _on_completed(self, candidate: Candidate) -> None:
        """Give each of several devices its entry at once: what comes later cannot undo it."""
        if self._several:
            candidate.hand_over()
            data = {**self._data_of(candidate), "options": self._options_of(candidate)}
            made = await self.hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_IMPORT}, data=data)
            if made["type"] is not FlowResultType.CREATE_ENTRY:  # another dialog was faster
                await self.hass.data[HUB].async_take_back(candidate.identity)
                raise AlreadyPairedError(Cause.WRONG_DEVICE, suspicious=False)

    async def async_step_import(self, import_data: dict[str, Any]) -> ConfigFlowResult:
        """Make the entry of one of several devices; only the flow above asks for it."""
        return await self._create(import_data, import_data.pop("options"))

    def _data_of(self, candidate: Candidate) -> dict[str, Any]:
        hub_id = self.hass.data[HUB].hub_id.hex()
        return {CONF_ADDRESS: candidate.address, CONF_IDENTITY: candidate.identity, CONF_NAME: candidate.name, CONF_HUB: hub_id}

    def _options_of(self, candidate: Candidate) -> dict[str, Any]:
        """Remember the weakest method where the user has chosen one for this device."""
        return {} if candidate.floor in (None, self.usual_floor) else {OPTION_FLOOR: candidate.floor}

    async def _create(self, data: dict[str, Any], options: dict[str, Any]) -> ConfigFlowResult:
        self._abort_others(data[CONF_IDENTITY])
        await self.async_set_unique_id(data[CONF_IDENTITY], raise_on_progress=False)
        self._abort_if_unique_id_configured()
        return self.async_create_entry(title=data[CONF_NAME], data=data, options=options)

    def _abort_others(self, identity: str) -> None:
        """Close the discovered card of a device that was picked from the list."""
        for flow in self._async_in_progress(include_uninitialized=True):
            unique_id = flow["context"].get("unique_id")
            if unique_id and identity.startswith(unique_id):
                self.hass.config_entries.flow.async_abort(flow["flow_id"])

    @callback
    @override
    def async_remove(self) -> None:
        """The dialog is gone: end what runs on both sides, and let the devices be discovered again."""
        if self._batch is None:
            return
        self.hass.async_create_background_task(self._batch.close(), f"{DOMAIN} end of pairing")
        for candidate in self._batch.candidates:
            if candidate.identity is None and candidate.entry is None:
                self._rediscover(candidate)

    def _rediscover(self, candidate: Candidate) -> None:
        if candidate.address:
            radio.async_rediscover(self.hass, candidate.address)
        if FAR in self.hass.data:
            self.hass.data[FAR].forget(candidate.short_id)
