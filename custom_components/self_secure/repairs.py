"""Fix flows: most of what can be fixed here is fixed by a new key, in the dialog of the config flow."""

from abc import abstractmethod
from typing import Any, override

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.components.repairs.const import FlowType
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry, ConfigEntryState, ConfigFlowContext
from homeassistant.const import CONF_ADDRESS
from homeassistant.core import HomeAssistant

from . import radio
from .const import DOMAIN
from .hub import HUB
from .issues import Issue
from .store import async_erase
from .transport.beacon import SHORT_ID_SIZE
from .transport.client import StorageError


class FixFlow(RepairsFlow):
    """Explains in one step what is wrong, and does something about it when the user goes on."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:  # noqa: ARG002  # Home Assistant's signature
        """Begin."""
        return await self.async_step_confirm()

    @abstractmethod
    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Explain, and act when there is an answer."""


class EntryFlow(FixFlow):
    """Is about an entry that may be gone meanwhile."""

    def __init__(self, entry_id: str) -> None:
        self._entry_id = entry_id

    @override
    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None:
            return self.async_abort(reason="entry_removed")
        if user_input is None:
            return self.async_show_form(step_id="confirm", description_placeholders=self.explanation(entry))
        return await self.fix(entry)

    def explanation(self, entry: ConfigEntry) -> dict[str, str]:
        """Return what the text names."""
        return {"name": entry.title}

    @abstractmethod
    async def fix(self, entry: ConfigEntry) -> RepairsFlowResult:
        """Do what the user has confirmed."""


class PairAgainFlow(EntryFlow):
    """Goes on with the dialog that pairs the device again; nothing is contacted before the user has confirmed that, too."""

    @override
    async def fix(self, entry: ConfigEntry) -> RepairsFlowResult:
        # ended otherwise, the issue would be deleted although the dialog that follows may be closed: the new key solves it
        next_flow = (FlowType.CONFIG_FLOW, await _pair_again(self.hass, entry))
        return self.async_abort(reason="pair_again", description_placeholders={"name": entry.title}, next_flow=next_flow)


class LookAgainFlow(EntryFlow):
    """Looks whether somebody who can connect hears the device now, and tells why if nobody does."""

    @override
    def explanation(self, entry: ConfigEntry) -> dict[str, str]:
        return {"name": entry.title, "reason": radio.why_unreachable(self.hass, entry.data[CONF_ADDRESS])}

    @override
    async def fix(self, entry: ConfigEntry) -> RepairsFlowResult:
        carried = entry.state is ConfigEntryState.LOADED and entry.runtime_data.reach.carrying
        if radio.can_connect(self.hass, entry.data[CONF_ADDRESS]) or carried:
            return self.async_create_entry(data={})
        placeholders = self.explanation(entry)
        return self.async_show_form(step_id="confirm", errors={"base": "still_no_path"}, description_placeholders=placeholders)


class EraseFlow(FixFlow):
    """Tries again to erase the key of a device that has no entry any more."""

    def __init__(self, identity: str, name: str) -> None:
        self._identity, self._name = identity, name

    @override
    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        placeholders = {"name": self._name, "file": f"{DOMAIN}.{self._identity}"}
        if user_input is None:
            return self.async_show_form(step_id="confirm", description_placeholders=placeholders)
        try:
            if not self._is_in_use():
                await async_erase(self.hass, self._identity)
        except StorageError:
            return self.async_show_form(step_id="confirm", errors={"base": "not_erased"}, description_placeholders=placeholders)
        return self.async_create_entry(data={})

    def _is_in_use(self) -> bool:
        """Whether the device is being paired anew, or has been: then the file is that of its new key."""
        attempts = self.hass.data[HUB].attempts if HUB in self.hass.data else {}
        entry = self.hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, self._identity)
        return entry is not None or bytes.fromhex(self._identity)[:SHORT_ID_SIZE] in attempts


async def _pair_again(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the id of the flow that pairs the device again, which may be there already."""
    for flow in entry.async_get_active_flows(hass, {SOURCE_REAUTH, SOURCE_RECONFIGURE}):
        return flow["flow_id"]
    context = ConfigFlowContext(
        source=SOURCE_REAUTH, entry_id=entry.entry_id, unique_id=entry.unique_id, title_placeholders={"name": entry.title}
    )
    begun = await hass.config_entries.flow.async_init(DOMAIN, context=context, data=dict(entry.data))
    return begun["flow_id"]


async def async_create_fix_flow(hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None) -> RepairsFlow:  # noqa: ARG001  # Home Assistant's signature
    """Return the flow that fixes an issue of `issues.py`; ValueError without its entry."""
    known = {key: value for key, value in (data or {}).items() if isinstance(value, str)}
    if "entry_id" not in known:
        raise ValueError("the issue names no entry")
    if known.get("issue") == Issue.KEY_NOT_ERASED:
        return EraseFlow(known["identity"], known["name"])
    flow = LookAgainFlow if known.get("issue") == Issue.NO_PATH else PairAgainFlow
    return flow(known["entry_id"])
