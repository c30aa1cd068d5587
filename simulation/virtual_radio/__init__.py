"""Home Assistant integration for the demonstration: gives Home Assistant the scanners of a virtual radio process.

```yaml
virtual_radio:
  scanners:
    - source: "A0:5E:5C:00:01:01"
      port: 45671
      name: scanner-1
      mode: active        # or passive, or auto
      connectable: true   # or false: it only listens
```
The action `virtual_radio.change` makes all scanners, or the one called `source`, listen only (`connectable: false`), unplugs them
(`plugged: false`), or lets somebody else use some of their connections (`occupied: 3`).

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
from homeassistant.core import Event, HomeAssistant, ServiceCall
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType
import probatio as vol

from simulation.host import SLOTS
from simulation.scanner import VirtualScanner

DOMAIN = "virtual_radio"
CONF_SCANNERS = "scanners"
CONF_CONNECTABLE = "connectable"
CONF_PLUGGED = "plugged"
CONF_OCCUPIED = "occupied"
SERVICE_CHANGE = "change"
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
        vol.Optional(CONF_CONNECTABLE, default=True): cv.boolean,
        vol.Optional(CONF_MODE, default=BluetoothScanningMode.ACTIVE.value): vol.In([mode.value for mode in BluetoothScanningMode]),
    }
)
CHANGE_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_SOURCE): cv.string,
        vol.Optional(CONF_CONNECTABLE): cv.boolean,
        vol.Optional(CONF_PLUGGED): cv.boolean,
        vol.Optional(CONF_OCCUPIED): vol.All(vol.Coerce(int), vol.Range(min=0, max=SLOTS)),
    }
)
CONFIG_SCHEMA = vol.Schema(
    {DOMAIN: vol.Schema({vol.Required(CONF_SCANNERS): vol.All(cv.ensure_list, [SCANNER_SCHEMA])})},
    extra=vol.ALLOW_EXTRA,
)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Start one keeper per scanner; they never fail the set-up, they report and try again."""
    keepers: dict[str, ScannerKeeper] = {}
    for scanner in config[DOMAIN][CONF_SCANNERS]:
        keeper = keepers[scanner[CONF_SOURCE]] = ScannerKeeper(hass, scanner)
        task = hass.async_create_background_task(keeper.run(), f"virtual radio {scanner[CONF_NAME]}")
        hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, _stopper(task))

    async def change(call: ServiceCall) -> None:
        what = dict(call.data)
        source = what.pop(CONF_SOURCE, None)
        for keeper in [keepers[source]] if source else keepers.values():
            keeper.change(**what)

    hass.services.async_register(DOMAIN, SERVICE_CHANGE, change, schema=CHANGE_SCHEMA)
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
        self._connectable: bool = config[CONF_CONNECTABLE]
        self._occupied = 0
        self._plugged, self._changed = asyncio.Event(), asyncio.Event()
        self._plugged.set()
        self._scanner: VirtualScanner | None = None
        self._reported = False

    def change(self, *, connectable: bool | None = None, plugged: bool | None = None, occupied: int | None = None) -> None:
        """Be another kind of scanner from now on; None leaves a thing as it is."""
        if occupied is not None:
            self._occupied = occupied
            self._occupy()
        if plugged is not None:
            (self._plugged.set if plugged else self._plugged.clear)()
        if connectable is not None:
            self._connectable = connectable
        if (connectable, plugged) != (None, None):
            self._changed.set()

    def _occupy(self) -> None:
        if self._scanner is not None:
            self._scanner.host.occupy(self._occupied)

    async def run(self) -> None:
        """Serve, and try again for ever, until cancelled."""
        wait = FIRST_WAIT
        while True:
            await self._plugged.wait()
            self._changed.clear()
            served = await self._serve()
            if served or self._changed.is_set():
                wait = FIRST_WAIT
            if not self._changed.is_set():
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    async def _serve(self) -> bool:
        scanner = self._scanner = VirtualScanner(self._source, self._name, self._mode, connectable=self._connectable)
        self._occupy()
        try:
            await scanner.host.open(self._port)
            await self._scan(scanner)
        except (OSError, BaseBumbleError) as error:
            self._report(error)
            return False
        finally:
            self._scanner = None
            await scanner.host.close()
        return True

    async def _scan(self, scanner: VirtualScanner) -> None:
        undo = [async_register_scanner(self._hass, scanner), scanner.async_setup()]
        try:
            await scanner.start()
            _LOGGER.info("Scanner %s is on the virtual radio (port %d)", self._name, self._port)
            self._reported = False
            ends = {asyncio.ensure_future(end.wait()) for end in (scanner.host.lost, self._changed)}
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in ends:
                    end.cancel()
            if scanner.host.lost.is_set():
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
