"""What the dialog of a pairing shows, and what it does not decide for the user."""

import asyncio

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import UnknownFlow
import probatio
import pytest

from custom_components.self_secure import pairing_flow
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.hub import HUB

from .conftest import StartDevice, confirm, discovered_flow, state_of, until


async def test_the_answer_is_left_to_the_user(home: HomeAssistant, start_device: StartDevice) -> None:
    """A required field would be answered by the frontend, with its first option."""
    shown = await confirm(home, await start_device())
    again = await home.config_entries.flow.async_configure(shown["flow_id"], {})
    assert (again["step_id"], again["errors"]) == ("code", {"verdict": "not_answered"})
    assert again["description_placeholders"] == shown["description_placeholders"]
    assert again["data_schema"] is not None
    assert [type(key) for key in again["data_schema"].schema] == [probatio.Optional]


async def test_closed_browser_leaves_no_key_without_an_entry(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a code to compare nothing waits for the user, so nobody may be there when the key is stored."""
    monkeypatch.setattr(pairing_flow, "FINISH_SECONDS", 0.3)
    device = await start_device(suites=(0x01,))
    flow_id = await until(lambda: discovered_flow(home, device))
    begun = await home.config_entries.flow.async_configure(flow_id, {"security": {"method": "loss"}})
    assert begun["type"] == "progress"
    entry = await until(lambda: home.config_entries.async_entry_for_domain_unique_id(DOMAIN, device.identity))
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    assert home.data[HUB].handovers == {}
    assert home.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    await until(lambda: state_of(home, "sensor.test_thermometer_temperature"))


async def test_entry_is_made_once_when_two_go_on(home: HomeAssistant, start_device: StartDevice) -> None:
    """Home Assistant goes on by itself when the wait ends; so may the frontend, in the same moment."""
    device = await start_device(suites=(0x01,))
    flow_id = await until(lambda: discovered_flow(home, device))
    flows = home.config_entries.flow
    await flows.async_configure(flow_id, {"security": {"method": "loss"}})
    flow = flows._progress[flow_id]
    assert isinstance(flow, pairing_flow.PairingSteps)
    await until(lambda: flow.cur_step and flow.cur_step["step_id"] == "finish")
    ended = await asyncio.gather(*(flows.async_configure(flow_id) for _ in range(3)), return_exceptions=True)
    kinds = [one["type"] if isinstance(one, dict) else type(one) for one in ended]
    assert sorted(map(str, kinds)) == sorted(map(str, ["create_entry", UnknownFlow, UnknownFlow]))
    assert [entry.unique_id for entry in home.config_entries.async_entries(DOMAIN)] == [device.identity]


async def test_the_progress_text_changes_once_per_refresh(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frontend asks again at each change, so a text that follows every packet would keep it asking without a pause."""
    monkeypatch.setattr(pairing_flow, "REFRESH_SECONDS", 3600)
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    result = await home.config_entries.flow.async_configure(flow_id, {})
    texts = set()
    while result["type"] == "progress":
        texts.add((result["description_placeholders"] or {}).get("packets"))
        await asyncio.sleep(0.05)
        result = await home.config_entries.flow.async_configure(flow_id)
    assert len(texts) == 2  # connecting, and the first numbers
