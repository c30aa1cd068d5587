"""Options of one device, and folded away those of all devices (protocol.md 4, defaults)."""

from collections.abc import Mapping
import math
from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import BooleanSelector, NumberSelector, NumberSelectorConfig, NumberSelectorMode
import probatio

from .const import OPTION_FLOOR, OPTION_KEEP_CONNECTED, OPTION_POLL_MINUTES, SECTION_HUB
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
    """One form. A device is loaded anew when its own options have changed; those of all are obeyed without that."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and store the options."""
        if HUB not in self.hass.data:
            return self.async_abort(reason="not_set_up")
        hub = self.hass.data[HUB]
        if user_input is None:
            return self._show({**self.config_entry.options, SECTION_HUB: _of_hub(hub)})
        if (reached := _reachable(hub, user_input[SECTION_HUB])) < user_input[SECTION_HUB]["target_bits"]:
            placeholders = {
                "packets": str(hub.settings.n_max),
                "bits": str(int(reached)),
                "loss": f"{user_input[SECTION_HUB]['assumed_loss']:.0f}",
            }
            return self._show(user_input, "target_unreachable", placeholders)
        try:
            await self._store_hub(hub, user_input[SECTION_HUB])
        except StorageError:
            return self._show(user_input, "not_stored")
        return self.async_create_entry(data=self._of_device(user_input))

    def _show(self, shown: Mapping[str, Any], error: str | None = None, placeholders: Mapping[str, str] | None = None) -> ConfigFlowResult:
        minutes = NumberSelector(NumberSelectorConfig(min=0, max=POLL_MINUTES_MAX, step=1, mode=NumberSelectorMode.BOX))
        fields = {
            probatio.Required(OPTION_KEEP_CONNECTED, default=shown.get(OPTION_KEEP_CONNECTED, False)): BooleanSelector(),
            probatio.Required(OPTION_POLL_MINUTES, default=shown.get(OPTION_POLL_MINUTES, 0)): minutes,
            probatio.Required(SECTION_HUB): section(_hub_form(shown[SECTION_HUB]), {"collapsed": error is None}),
        }
        errors = {"base": error} if error else {}
        return self.async_show_form(
            step_id="init", data_schema=probatio.Schema(fields), errors=errors, description_placeholders=placeholders
        )

    def _of_device(self, user_input: dict[str, Any]) -> dict[str, Any]:
        """Return the options of the device that are not the usual ones; what a pairing has decided stays."""
        chosen = {OPTION_KEEP_CONNECTED: user_input[OPTION_KEEP_CONNECTED], OPTION_POLL_MINUTES: int(user_input[OPTION_POLL_MINUTES])}
        decided = {name: value for name, value in self.config_entry.options.items() if name == OPTION_FLOOR}
        return decided | {name: value for name, value in chosen.items() if value}

    async def _store_hub(self, hub: Hub, chosen: dict[str, Any]) -> None:
        if chosen != _of_hub(hub):
            numbers = {name: int(chosen[name]) for name in _NUMBERS}
            await hub.async_set_options({**numbers, "floor": METHODS[chosen["floor"]]})


def _of_hub(hub: Hub) -> dict[str, Any]:
    """Return what the form shows of the options of all devices."""
    numbers = {name: hub.options.get(name, default) for name, (_, _, default) in _NUMBERS.items()}
    return {**numbers, "floor": method_name(hub.floor)}


def _reachable(hub: Hub, chosen: Mapping[str, Any]) -> float:
    """Return the bits that the longest broadcast gives if every packet arrives (protocol.md 5 rule 3)."""
    return hub.settings.n_max * -math.log2(1 - chosen["assumed_loss"] / 100)


def _hub_form(shown: Mapping[str, Any]) -> probatio.Schema:
    """Return the fields of what holds for all devices."""
    numbers = {
        probatio.Required(name, default=shown[name]): NumberSelector(
            NumberSelectorConfig(min=least, max=most, step=1, mode=NumberSelectorMode.BOX)
        )
        for name, (least, most, _) in _NUMBERS.items()
    }
    return probatio.Schema({**numbers, probatio.Required("floor", default=shown["floor"]): METHOD})
