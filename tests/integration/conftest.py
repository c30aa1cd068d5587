"""A real Home Assistant with its own bluetooth integration, the virtual radio, and device programs, in one process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from habluetooth import get_manager
from homeassistant.components import bluetooth
from homeassistant.config_entries import SOURCE_BLUETOOTH, ConfigEntry, ConfigFlowResult
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
import pytest

import custom_components
from custom_components.self_secure.const import DOMAIN, EVENT_SECURITY
from custom_components.self_secure.store import DurableStore
from custom_components.self_secure.transport import contact
from custom_components.self_secure.transport.client import StorageError
from self_secure_device_linux.program import Program, Settings
from simulation.world import Plan, World

SIMULATION = Path(__file__).parents[2] / "simulation"
HUB_ID = "0123456789abcdef0123456789abcdef"
OPTIONS = {"minimum": 16, "target_bits": 4}  # a test does not wait for 200 packets
INTERVAL = 20  # ms between random packets, the least there is
LOSS = 0.3
LINGER = 0.3  # s that an idle link stays open: a test waits for its end more often than it uses it again
PATIENCE = 20.0  # s for whatever has to happen


async def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until the condition gives something true, and return that."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):  # noqa: ASYNC110  # the conditions belong to code without events
            await asyncio.sleep(0.01)
    return found


@dataclass(slots=True)
class SimulatedDevice:
    """A device program of this process, and what it told."""

    name: str
    state: Path
    program: Program
    events: list[tuple[str, object]] = field(default_factory=list)

    def told(self, kind: str) -> list[object]:
        return [value for event, value in self.events if event == kind]

    @property
    def short_id(self) -> str:
        return self.identity[:8]

    @property
    def identity(self) -> str:
        identity: bytes = self.program.core.identity
        return identity.hex()


type StartDevice = Callable[..., Awaitable[SimulatedDevice]]


@pytest.fixture
async def world(socket_enabled: None) -> AsyncIterator[World]:
    """Two scanners that miss packets, three devices' radios, and links that drop quickly."""
    async with World(Plan(loss=LOSS, supervision_timeout=0.2)) as opened:
        yield opened


@pytest.fixture
def scanner_mode() -> str:
    """How scanners listen: "passive", "active", or "auto"; a test may ask for another one."""
    return "passive"


@pytest.fixture
async def home(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    enable_custom_integrations: None,
    world: World,
    scanner_mode: str,
) -> AsyncIterator[HomeAssistant]:
    """Home Assistant on the world's scanners; only what needs an adapter of the operating system is replaced."""
    hass_storage["self_secure.hub"] = {"version": 1, "minor_version": 1, "data": {"hub_id": HUB_ID, "options": OPTIONS}}
    monkeypatch.setattr(contact, "LINGER_SECONDS", LINGER)
    monkeypatch.setattr(custom_components, "__path__", [*custom_components.__path__, str(SIMULATION)])
    scanners = [{"source": one.address, "port": one.port.port, "name": one.name, "mode": scanner_mode} for one in world.scanners]
    with (
        patch("habluetooth.manager.MGMTBluetoothCtl.setup", side_effect=OSError),
        patch("bluetooth_adapters.systems.linux.LinuxAdapters.refresh"),
    ):
        assert await async_setup_component(hass, DOMAIN, {})
        assert await async_setup_component(hass, "virtual_radio", {"virtual_radio": {"scanners": scanners}})
        await until(lambda: bluetooth.async_scanner_count(hass) == len(scanners))
        yield hass
        await hass.async_stop(force=True)


async def change_scanners(hass: HomeAssistant, **what: Any) -> None:
    """Let all scanners be `connectable` or not, `plugged` in or not, or `occupied`; Home Assistant notices what is gone."""

    async def count(*, connectable: bool) -> None:
        wanted = 2 * what.get("plugged", True) * (what.get("connectable", True) or not connectable)
        await until(lambda: bluetooth.async_scanner_count(hass, connectable=connectable) == wanted)

    await hass.services.async_call("virtual_radio", "change", what, blocking=True)
    await count(connectable=True)
    await count(connectable=False)
    notice_absence()


def notice_absence() -> None:
    """Do now what Home Assistant and its scanners do every few minutes: forget who has not been heard for long."""
    manager = get_manager()
    for scanner in manager.async_current_scanners():
        scanner._async_expire_devices()
    if manager._cancel_unavailable_tracking:
        manager._cancel_unavailable_tracking.cancel()
    manager._async_check_unavailable()


@pytest.fixture
async def start_device(world: World, tmp_path: Path) -> AsyncIterator[StartDevice]:
    """Start device programs on the world's radios; the same number again is the same device after a power loss.

    `copied` is a device whose whole memory a thief has got hold of.
    """
    async with AsyncExitStack() as stack:

        async def start(
            profile: str = "thermometer", number: int = 0, *, copied: SimulatedDevice | None = None, **settings: Any
        ) -> SimulatedDevice:
            name, state = f"Test {profile}", tmp_path / f"device-{number}"
            told: list[tuple[str, object]] = []
            given = {"readings": 600.0, "interval": INTERVAL, "seed": 1, "name": name, "state": state, **settings}
            transport = f"tcp-client:127.0.0.1:{world.devices[number].port.port}"
            program = Program(Settings(transport, profile, **given), lambda kind, value: told.append((kind, value)))
            if copied is not None:  # what is in its memory, keys and chains, but another radio
                program.core = program._radio._core = deepcopy(copied.program.core, {id(copied.program): program})
            await program.start()
            stack.push_async_callback(program.stop)
            return SimulatedDevice(name, state, program, told)

        yield start


def discovered_flow(hass: HomeAssistant, device: SimulatedDevice) -> str | None:
    """Return the id of the flow that discovery has begun for the device."""
    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    ours = (
        flow["flow_id"]
        for flow in flows
        if flow["context"]["source"] == SOURCE_BLUETOOTH and flow["context"].get("unique_id") == device.short_id
    )
    return next(ours, None)


async def until_step(hass: HomeAssistant, result: ConfigFlowResult) -> ConfigFlowResult:
    """Follow a flow's progress to the step that shows something else.

    As the frontend, it asks for the next step when Home Assistant has left this one: who asks at that very moment makes Home
    Assistant take the next step twice, and hears that there is no such flow.
    """
    flows = hass.config_entries.flow
    while result["type"] in ("progress", "progress_done"):
        flow_id, left = result["flow_id"], {"progress": result["step_id"], "progress_done": None}[result["type"]]
        await until(lambda: flows.async_get(flow_id)["step_id"] != left)  # noqa: B023  # awaited here
        result = await flows.async_configure(flow_id)
    return result


async def use_a_copy(hass: HomeAssistant, world: World, start_device: StartDevice, display: SimulatedDevice) -> None:
    """Let a thief use a copy of the display's keys in its place, and the true one come back: both know the key, their counts differ."""
    coordinator: Any = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, display.identity).runtime_data  # type: ignore[union-attr]  # it is paired
    await until(lambda: not coordinator.client.contact.is_open and coordinator.connection.epoch is not None)
    radio = world.devices[0]
    await radio.port.close()
    thief = await start_device("display", 1, copied=display, address=display.program.address)
    thief.program.say("the thief was here")
    await until(lambda: thief.told("delivered"))
    await thief.program.stop()
    await until(lambda: not coordinator.client.contact.is_open)
    await radio.port.open(radio.port.port)
    await until(lambda: display.told("ready")[1:])
    await hass.services.async_call(DOMAIN, "rotate_keys", {"device_id": device_id(hass, display)}, blocking=True)


def security_events(hass: HomeAssistant) -> list[str]:
    """Return where the kinds of all security events will be, as the logbook and automations hear of them."""
    told: list[str] = []
    hass.bus.async_listen(EVENT_SECURITY, callback(lambda event: told.append(event.data["type"])))  # at once, not from a thread
    return told


async def disk_full(_store: DurableStore, _data: object) -> None:
    """Take the place of `DurableStore.async_save` on a full disk."""
    raise StorageError("the disk is full")


def failed_with(shown: ConfigFlowResult) -> str | None:
    """Return the reason that a flow's step "failed" shows; None in any other step."""
    return (shown["errors"] or {})["base"] if shown.get("step_id") == "failed" else None


async def listed(hass: HomeAssistant) -> ConfigFlowResult:
    """Press "Add device", choose devices where there is something to choose, and wait until the adapters have listened."""
    begun = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    if begun["type"] == "menu":
        begun = await hass.config_entries.flow.async_configure(begun["flow_id"], {"next_step_id": "devices"})
    return await until_step(hass, begun)


async def confirm(hass: HomeAssistant, device: SimulatedDevice) -> ConfigFlowResult:
    """Accept the discovered device and wait for the code or the failure."""
    flow_id = await until(lambda: discovered_flow(hass, device))
    return await until_step(hass, await hass.config_entries.flow.async_configure(flow_id, {}))


async def pair(hass: HomeAssistant, device: SimulatedDevice, verdict: str = "same") -> ConfigEntry[Any]:
    """Pair as a user who compares the codes; return the entry."""
    shown = await confirm(hass, device)
    assert shown["step_id"] == "code", shown
    assert device.told("code") == [(shown["description_placeholders"] or {})["code"]]
    done = await hass.config_entries.flow.async_configure(shown["flow_id"], {"verdict": verdict})
    assert done["type"] == "create_entry", done
    await until(lambda: device.told("verified"))
    return done["result"]


async def press(device: SimulatedDevice) -> None:
    """Press the pairing button when no link is open: one over which the last key came would hold the request back for seconds."""
    await until(lambda: len(device.told("connected")) == len(device.told("disconnected")))
    device.program.pair()


async def remove_untold(hass: HomeAssistant, storage: dict[str, Any], entry: ConfigEntry[Any]) -> dict[str, Any]:
    """Remove an entry whose file is gone: the device hears nothing, and stays paired. Return what was in the file."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    stored: dict[str, Any] = storage.pop(f"{DOMAIN}.{entry.unique_id}")
    await hass.config_entries.async_remove(entry.entry_id)
    return stored


def state_of(hass: HomeAssistant, entity_id: str) -> str | None:
    """Return an entity's state, None as long as there is none."""
    state = hass.states.get(entity_id)
    return state.state if state else None


def device_entry(hass: HomeAssistant, device: SimulatedDevice) -> dr.DeviceEntry:
    """Return the device as the registry has it."""
    entry = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, device.identity)
    assert entry is not None
    found = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, device.identity), entry.entry_id)
    assert found is not None
    return found


def device_id(hass: HomeAssistant, device: SimulatedDevice) -> str:
    """Return what Home Assistant calls the device."""
    return device_entry(hass, device).id
