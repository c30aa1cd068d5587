"""Home Assistant integration for the demonstration: gives Home Assistant the scanners of a virtual radio process.

```yaml
virtual_radio:
  scanners:
    - source: "A0:5E:5C:00:01:01"
      port: 45671
      name: scanner-1
      mode: active        # or passive, or auto
```
`python -m simulation` prints sources and ports. The package `simulation` must be importable (PYTHONPATH).
"""

import asyncio
from collections.abc import Callable, Coroutine
import contextlib
import logging
from typing import Any

from bumble.core import BaseBumbleError
from habluetooth import BluetoothScanningMode
from homeassistant.components.bluetooth import async_register_scanner
from homeassistant.const import CONF_MODE, CONF_NAME, CONF_PORT, CONF_SOURCE, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from simulation.scanner import VirtualScanner

DOMAIN = "virtual_radio"
CONF_SCANNERS = "scanners"
FIRST_WAIT = 1.0
"""Seconds until the second try to reach a radio; each further wait doubles."""
LONGEST_WAIT = 30.0
"""Seconds; a person who starts the simulation again should not wait longer."""

_LOGGER = logging.getLogger(__name__)

SCANNER_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_SOURCE): cv.string,
        vol.Required(CONF_PORT): cv.port,
        vol.Required(CONF_NAME): cv.string,
        vol.Optional(CONF_MODE, default=BluetoothScanningMode.ACTIVE.value): vol.In([mode.value for mode in BluetoothScanningMode]),
    }
)
CONFIG_SCHEMA = vol.Schema(
    {DOMAIN: vol.Schema({vol.Required(CONF_SCANNERS): vol.All(cv.ensure_list, [SCANNER_SCHEMA])})},
    extra=vol.ALLOW_EXTRA,
)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Start one keeper per scanner; they never fail the set-up, they report and try again."""
    for scanner in config[DOMAIN][CONF_SCANNERS]:
        keeper = ScannerKeeper(hass, scanner)
        task = hass.async_create_background_task(keeper.run(), f"virtual radio {scanner[CONF_NAME]}")
        hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, _stopper(task))
    return True


def _stopper(task: asyncio.Task[None]) -> Callable[[Event], Coroutine[Any, Any, None]]:
    async def stop(_event: Event) -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return stop


class ScannerKeeper:
    """Keeps one scanner in Home Assistant for as long as its radio is there.

    Args:
        hass: Home Assistant.
        config: one entry of `SCANNER_SCHEMA`.
    """

    def __init__(self, hass: HomeAssistant, config: ConfigType) -> None:
        self._hass = hass
        self._name, self._source, self._port = config[CONF_NAME], config[CONF_SOURCE], config[CONF_PORT]
        self._mode = BluetoothScanningMode(config[CONF_MODE])
        self._reported = False

    async def run(self) -> None:
        """Serve, and try again for ever, until cancelled."""
        wait = FIRST_WAIT
        while True:
            if await self._serve():
                wait = FIRST_WAIT
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _serve(self) -> bool:
        scanner = VirtualScanner(self._source, self._name, self._mode)
        try:
            await scanner.host.open(self._port)
            await self._scan(scanner)
        except (OSError, BaseBumbleError) as error:
            self._report(error)
            return False
        finally:
            await scanner.host.close()
        return True

    async def _scan(self, scanner: VirtualScanner) -> None:
        undo = [async_register_scanner(self._hass, scanner), scanner.async_setup()]
        try:
            await scanner.start()
            _LOGGER.info("Scanner %s is on the virtual radio (port %d)", self._name, self._port)
            self._reported = False
            await scanner.host.lost.wait()
            _LOGGER.warning("The virtual radio of %s is gone; trying again", self._name)
        finally:
            for step in undo:
                step()

    def _report(self, error: Exception) -> None:
        if not self._reported:
            _LOGGER.error(
                "The virtual radio does not answer on port %d for %s (%s). Start python -m simulation; trying again",
                self._port,
                self._name,
                str(error) or type(error).__name__,
            )
        self._reported = True
