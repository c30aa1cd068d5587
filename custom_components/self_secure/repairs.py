"""Fix flows: nearly all that can be fixed here is fixed by a new key, in the dialog of the config flow."""

from typing import Any

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.components.repairs.const import FlowType
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry, ConfigFlowContext
from homeassistant.core import HomeAssistant

from .const import DOMAIN
from .issues import Issue
from .store import async_erase
from .transport.client import StorageError


class PairAgainFlow(RepairsFlow):
    """Explains, and goes on with the dialog that pairs the device again."""

    def __init__(self, entry_id: str) -> None:
        self._entry_id = entry_id

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:  # noqa: ARG002  # Home Assistant's signature
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask; nothing is contacted before the user has confirmed here and in the dialog."""
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None:
            return self.async_abort(reason="entry_removed")
        if user_input is None:
            return self.async_show_form(step_id="confirm", description_placeholders={"name": entry.title})
        # ended otherwise, the issue would be deleted although the dialog that follows may be closed: the new key solves it
        next_flow = (FlowType.CONFIG_FLOW, await _pair_again(self.hass, entry))
        return self.async_abort(reason="pair_again", description_placeholders={"name": entry.title}, next_flow=next_flow)


async def _pair_again(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the id of the flow that pairs the device again, which may be there already."""
    for flow in entry.async_get_active_flows(hass, {SOURCE_REAUTH, SOURCE_RECONFIGURE}):
        return flow["flow_id"]
    context = ConfigFlowContext(
        source=SOURCE_REAUTH, entry_id=entry.entry_id, unique_id=entry.unique_id, title_placeholders={"name": entry.title}
    )
    begun = await hass.config_entries.flow.async_init(DOMAIN, context=context, data=dict(entry.data))
    return begun["flow_id"]


class EraseFlow(RepairsFlow):
    """Tries again to erase the key of a device that has no entry any more."""

    def __init__(self, identity: str, name: str) -> None:
        self._identity, self._name = identity, name

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:  # noqa: ARG002  # Home Assistant's signature
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask, and say so if it was in vain."""
        placeholders = {"name": self._name, "file": f"{DOMAIN}.{self._identity}"}
        if user_input is None:
            return self.async_show_form(step_id="confirm", description_placeholders=placeholders)
        try:
            await async_erase(self.hass, self._identity)
        except StorageError:
            return self.async_show_form(step_id="confirm", errors={"base": "not_erased"}, description_placeholders=placeholders)
        return self.async_create_entry(data={})


async def async_create_fix_flow(hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None) -> RepairsFlow:  # noqa: ARG001  # Home Assistant's signature
    """Return the flow that fixes an issue of `issues.py`; ValueError without its entry."""
    known = {key: value for key, value in (data or {}).items() if isinstance(value, str)}
    if "entry_id" not in known:
        raise ValueError("the issue names no entry")
    if known.get("issue") == Issue.KEY_NOT_ERASED:
        return EraseFlow(known["identity"], known["name"])
    return PairAgainFlow(known["entry_id"])
