"""Options of one device, and folded away those of all devices (protocol.md 4, defaults)."""

from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlowWithReload
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import BooleanSelector, NumberSelector, NumberSelectorConfig, NumberSelectorMode
import probatio

from .const import DOMAIN, OPTION_FLOOR, OPTION_KEEP_CONNECTED, OPTION_POLL_MINUTES, SECTION_HUB
from .flow_forms import METHOD, METHODS, method_name
from .hub import HUB, Hub
from .protocol import limits
from .transport.client import StorageError

POLL_MINUTES_MAX: Final = 1440  # a day: the epoch changes then anyway
TARGET_BITS_MAX: Final = 256  # more than the key has
W_MIN: Final = 1
OMEGA_MAX: Final = 20  # of at most 8 s each

_NUMBERS: Final = {
    "minimum": (limits.PACKETS_FLOOR, limits.N_MAX_LIMIT, limits.DEFAULT_MINIMUM),
    "target_bits": (0, TARGET_BITS_MAX, 64),
    "assumed_loss": (limits.ASSUMED_LOSS_MIN, limits.ASSUMED_LOSS_MAX, limits.DEFAULT_ASSUMED_LOSS),
    "w": (W_MIN, limits.DEFAULT_W, limits.DEFAULT_W),
    "omega": (0, OMEGA_MAX, limits.DEFAULT_OMEGA),
}
"""Options of all devices: least, most, default."""


class SelfSecureOptionsFlow(OptionsFlowWithReload):
    """One form; the device is loaded anew when its options have changed, and all are when those of all have."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and store the options."""
        if HUB not in self.hass.data:
            return self.async_abort(reason="not_set_up")
        hub = self.hass.data[HUB]
        if user_input is None:
            return self._show(hub)
        try:
            await self._store_hub(hub, user_input[SECTION_HUB])
        except StorageError:
            return self._show(hub, {"base": "not_stored"})
        return self.async_create_entry(data=self._of_device(user_input))

    def _show(self, hub: Hub, errors: dict[str, str] | None = None) -> ConfigFlowResult:
        options = self.config_entry.options
        minutes = NumberSelector(NumberSelectorConfig(min=0, max=POLL_MINUTES_MAX, step=1, mode=NumberSelectorMode.BOX))
        fields = {
            probatio.Required(OPTION_KEEP_CONNECTED, default=options.get(OPTION_KEEP_CONNECTED, False)): BooleanSelector(),
            probatio.Required(OPTION_POLL_MINUTES, default=options.get(OPTION_POLL_MINUTES, 0)): minutes,
            probatio.Required(SECTION_HUB): section(_hub_form(hub), {"collapsed": True}),
        }
        return self.async_show_form(step_id="init", data_schema=probatio.Schema(fields), errors=errors)

    def _of_device(self, user_input: dict[str, Any]) -> dict[str, Any]:
        """Return the options of the device; what a pairing has decided stays."""
        decided = {name: value for name, value in self.config_entry.options.items() if name == OPTION_FLOOR}
        poll, keep = int(user_input[OPTION_POLL_MINUTES]), user_input[OPTION_KEEP_CONNECTED]
        return {**decided, OPTION_KEEP_CONNECTED: keep, OPTION_POLL_MINUTES: poll}

    async def _store_hub(self, hub: Hub, chosen: dict[str, Any]) -> None:
        options = {name: int(chosen[name]) for name in _NUMBERS} | {"floor": METHODS[chosen["floor"]]}
        before = {name: hub.options.get(name, default) for name, (_, _, default) in _NUMBERS.items()} | {"floor": hub.floor}
        if options == before:
            return
        await hub.async_set_options(options)
        for entry in self.hass.config_entries.async_loaded_entries(DOMAIN):
            if entry.entry_id != self.config_entry.entry_id:
                self.hass.config_entries.async_schedule_reload(entry.entry_id)
        if self.config_entry.state is ConfigEntryState.LOADED:
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)


def _hub_form(hub: Hub) -> probatio.Schema:
    """Return the fields of what holds for all devices."""
    numbers = {
        probatio.Required(name, default=hub.options.get(name, default)): NumberSelector(
            NumberSelectorConfig(min=least, max=most, step=1, mode=NumberSelectorMode.BOX)
        )
        for name, (least, most, default) in _NUMBERS.items()
    }
    return probatio.Schema({**numbers, probatio.Required("floor", default=method_name(hub.floor)): METHOD})
