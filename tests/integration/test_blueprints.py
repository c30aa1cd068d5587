"""The blueprints in a real automation."""

from pathlib import Path
import shutil
from typing import Any

from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.core import HomeAssistant, callback
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
import pytest

from simulation.world import World

from .conftest import SimulatedDevice, StartDevice, pair, state_of, until, use_a_copy
from .metadata import ROOT

ROOM = ROOT / "blueprints" / "automation" / "self_secure"
ALERT = "something_happened"


@pytest.fixture
async def display(home: HomeAssistant, start_device: StartDevice) -> SimulatedDevice:
    """A paired display."""
    device = await start_device("display")
    await pair(home, device)
    await until(lambda: state_of(home, "event.test_display_security"))
    return device


async def automate(hass: HomeAssistant, folder: Path, name: str, told: str, **given: Any) -> list[dict[str, Any]]:
    """Use a blueprint with an action that fires an event; return where the events will be."""
    hass.config.config_dir = str(folder)
    place = folder / "blueprints" / "automation" / "self_secure"
    await hass.async_add_executor_job(lambda: shutil.copytree(ROOM, place))
    inputs = {**given, "actions": [{"event": ALERT, "event_data": {"told": told}}]}
    config = {"automation": {"alias": "test", "use_blueprint": {"path": f"self_secure/{name}", "input": inputs}}}
    alerts: list[dict[str, Any]] = []
    hass.bus.async_listen(ALERT, callback(lambda event: alerts.append(dict(event.data))))
    assert await async_setup_component(hass, "automation", config)
    await until(lambda: state_of(hass, "automation.test") == "on")
    return alerts


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.yaml")), ids=lambda path: path.stem)
def test_blueprint_is_valid(path: Path) -> None:
    blueprint = Blueprint(load_yaml_dict(str(path)), expected_domain="automation", schema=AUTOMATION_BLUEPRINT_SCHEMA)
    assert blueprint.validate() is None
    assert blueprint.metadata["description"]
    assert all(field["name"] and field["description"] for field in blueprint.inputs.values())


async def test_alert_when_a_message_arrives(home: HomeAssistant, display: SimulatedDevice, tmp_path: Path) -> None:
    event = "event.test_display_message"
    alerts = await automate(
        home, tmp_path / "config", "message_received.yaml", "{{ device }}: {{ message }}", message_event=event, contains="DOOR"
    )
    for text in ("the window", "the door is open"):
        display.program.say(text)
    await until(lambda: alerts)
    assert alerts == [{"told": "Test display: the door is open"}]


async def test_notify_when_a_key_was_copied(
    home: HomeAssistant, display: SimulatedDevice, world: World, start_device: StartDevice, tmp_path: Path
) -> None:
    alerts = await automate(home, tmp_path / "config", "key_copied.yaml", "{{ device }}", security_event=["event.test_display_security"])
    await use_a_copy(home, world, start_device, display)  # which ends with a resume, of which nobody wants to be told
    await until(lambda: alerts)
    await home.async_block_till_done()
    assert alerts == [{"told": "Test display"}]
