"""Making a group and changing its members: dialogs without any radio."""

from collections.abc import Iterable
import secrets
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult, OptionsFlowWithReload
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import SelectOptionDict, SelectSelector, SelectSelectorConfig, SelectSelectorMode, TextSelector
from homeassistant.setup import async_setup_component
import probatio

from .const import CONF_GID, CONF_HUB, CONF_KIND, DOMAIN, KIND_GROUP, OPTION_MEMBERS
from .groups import device_entries, group_entries
from .hub import HUB
from .protocol.limits import GROUPS_PER_DEVICE, U16_MAX

NAME_MAX: Final = 64  # characters


def _members_field(hass: HomeAssistant, chosen: Iterable[str]) -> dict[probatio.Marker, Any]:
    """Return the list of paired devices to choose from."""
    options = [SelectOptionDict(value=str(entry.unique_id), label=entry.title) for entry in device_entries(hass)]
    devices = SelectSelector(SelectSelectorConfig(options=options, multiple=True, mode=SelectSelectorMode.LIST))
    known = {option["value"] for option in options}
    return {probatio.Required(OPTION_MEMBERS, default=[one for one in chosen if one in known]): devices}


def _full(hass: HomeAssistant, members: Iterable[str], but: ConfigEntry | None = None) -> str:
    """Return the names of the devices that are in as many other groups as they can be."""
    others = [entry.options[OPTION_MEMBERS] for entry in group_entries(hass) if but is None or entry.entry_id != but.entry_id]
    titles = {entry.unique_id: entry.title for entry in device_entries(hass)}
    full = (one for one in members if sum(one in other for other in others) >= GROUPS_PER_DEVICE)
    return ", ".join(titles.get(one, one) for one in full)


def _errors(members: list[str], full: str) -> dict[str, str]:
    if not members:
        return {OPTION_MEMBERS: "nothing_chosen"}
    return {OPTION_MEMBERS: "too_many_groups"} if full else {}


class GroupSteps(ConfigFlow):
    """The step that makes a group."""

    async def async_step_group(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a name and the members."""
        given = user_input or {CONF_NAME: "", OPTION_MEMBERS: []}
        name, members = given[CONF_NAME].strip()[:NAME_MAX], given[OPTION_MEMBERS]
        full = _full(self.hass, members)
        errors = _errors(members, full) | ({} if name else {CONF_NAME: "no_name"})
        if user_input is not None and not errors:
            return await self._make(name, members)
        fields = {probatio.Required(CONF_NAME, default=name): TextSelector(), **_members_field(self.hass, members)}
        return self.async_show_form(
            step_id="group",
            data_schema=probatio.Schema(fields),
            errors=errors if user_input is not None else None,
            description_placeholders={"full": full, "limit": str(GROUPS_PER_DEVICE)},
        )

    async def _make(self, name: str, members: list[str]) -> ConfigFlowResult:
        """Draw a number that no group of this Home Assistant has."""
        if not await async_setup_component(self.hass, DOMAIN, {}):
            return self.async_abort(reason="not_set_up")
        taken = {entry.data[CONF_GID] for entry in group_entries(self.hass)}
        gid = secrets.choice([number for number in range(U16_MAX + 1) if number not in taken])
        await self.async_set_unique_id(f"{KIND_GROUP}-{gid:04x}")
        data = {CONF_KIND: KIND_GROUP, CONF_GID: gid, CONF_HUB: self.hass.data[HUB].hub_id.hex()}
        return self.async_create_entry(title=name, data=data, options={OPTION_MEMBERS: members})


class GroupOptionsFlow(OptionsFlowWithReload):
    """Join and leave; the group begins a new version of its key with its next message."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and store the members."""
        return await self.async_step_members(user_input)

    async def async_step_members(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and store the members."""
        members = self.config_entry.options[OPTION_MEMBERS] if user_input is None else user_input[OPTION_MEMBERS]
        full = _full(self.hass, members, self.config_entry)
        errors = None if user_input is None else _errors(members, full)
        if user_input is not None and not errors:
            return self.async_create_entry(data={**self.config_entry.options, OPTION_MEMBERS: members})
        return self.async_show_form(
            step_id="members",
            data_schema=probatio.Schema(_members_field(self.hass, members)),
            errors=errors,
            description_placeholders={"full": full, "limit": str(GROUPS_PER_DEVICE)},
        )
