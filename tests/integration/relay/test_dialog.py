"""The dialog of a device that only a relay hears: who is shown, what is said about it, what goes wrong."""

from typing import Any

from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, SOURCE_REAUTH, SOURCE_RECONFIGURE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.self_secure import radio, reach
from custom_components.self_secure.care import CHECKS_WITHOUT_KEY, Care
from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.far import FAR as FAR_DEVICES, SHOWN_MAX
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.issues import Issue, issue_id
from custom_components.self_secure.messages import Neighbour
from custom_components.self_secure.transport.beacon import BeaconState
from simulation.world import World
from tests.integration.conftest import (
    SimulatedDevice,
    StartDevice,
    discovered_flow,
    failed_with,
    listed,
    pair,
    press,
    until,
    until_step,
)

from .neighbourhood import BESIDE, FAR, carry, coordinator_of, far_flow, pair_far, say, until_adopted


def name_of(device: SimulatedDevice) -> str:
    """Return how it is called as long as nobody knows its name."""
    return f"Self-Secure {device.short_id.upper()}"


async def go_on(hass: HomeAssistant, flow_id: str, user_input: dict[str, Any] | None = None) -> Any:
    """Press the button of a step, and wait until there is another one to press."""
    return await until_step(hass, await hass.config_entries.flow.async_configure(flow_id, user_input or {}))


async def test_dialog_says_what_a_relay_means(home: HomeAssistant, stranger: SimulatedDevice) -> None:
    flow_id = await until(lambda: far_flow(home, stranger))
    shown = home.config_entries.flow.async_get(flow_id)
    assert (shown["step_id"], shown["context"]["title_placeholders"]) == ("relay_confirm", {"name": name_of(stranger)})
    asked = await home.config_entries.flow.async_configure(flow_id, None)
    assert asked["description_placeholders"] == {"name": name_of(stranger), "relay": "Relay"}
    progress: Any = await home.config_entries.flow.async_configure(flow_id, {})
    assert (progress["type"], progress["progress_action"]) == ("progress", "connecting_relayed")
    assert progress["description_placeholders"]["relay"] == "Relay"
    code: Any = await until_step(home, progress)
    assert (code["step_id"], code["description_placeholders"]["relay"]) == ("code_relayed", "Relay")
    [field] = code["data_schema"].schema.values()
    assert field.config["options"] == ["same", "different"]
    empty = await home.config_entries.flow.async_configure(flow_id, {})
    assert (empty["step_id"], empty["errors"]) == ("code_relayed", {"verdict": "not_answered"})
    failed = await home.config_entries.flow.async_configure(flow_id, {"verdict": "different"})
    assert failed_with(failed) == "different_code_suspicious"


async def test_closed_dialog_comes_back(home: HomeAssistant, stranger: SimulatedDevice) -> None:
    flow_id = await until(lambda: far_flow(home, stranger))
    await home.config_entries.flow.async_configure(flow_id, {})
    home.config_entries.flow.async_abort(flow_id)
    again = await until(lambda: far_flow(home, stranger))
    assert again != flow_id


async def test_far_device_is_chosen_from_the_list_alone(home: HomeAssistant, stranger: SimulatedDevice, start_device: StartDevice) -> None:
    near = await start_device("thermometer", 2)
    await until(lambda: far_flow(home, stranger) and discovered_flow(home, near))
    shown = await listed(home)
    assert shown["description_placeholders"] == {"taken": "-", "passive": "-", "far": name_of(stranger)}
    [field] = [value for key, value in shown["data_schema"].schema.items() if key == "devices"]  # type: ignore[union-attr]  # a form has one
    labels = {option["value"]: option["label"] for option in field.config["options"]}
    assert labels[stranger.short_id].startswith(f"{name_of(stranger)}, -")
    assert labels[stranger.short_id].endswith(" dBm, Relay")
    security = {"security": {"method": "hybrid"}}
    both = await home.config_entries.flow.async_configure(shown["flow_id"], {"devices": [*labels], **security})
    assert both["errors"] == {"devices": "relay_alone"}
    alone = await home.config_entries.flow.async_configure(shown["flow_id"], {"devices": [stranger.short_id], **security})
    assert alone["step_id"] == "relay_confirm"
    code = await go_on(home, alone["flow_id"])
    assert code["step_id"] == "code_relayed"


async def test_device_that_walks_away_before_its_pairing_is_offered_a_relay(
    home: HomeAssistant, world: World, relay: SimulatedDevice, start_device: StartDevice
) -> None:
    device = await start_device("display", 0, name="Far")
    flow_id = await until(lambda: discovered_flow(home, device))
    await until(lambda: home.data[HUB].relays.hearing(bytes.fromhex(device.short_id)))
    carry(world, device, FAR)
    radio.async_rediscover(home, device.program.address)
    await until(lambda: not radio.is_present(home, device.program.address))
    failed = await go_on(home, flow_id, {"security": {"method": "hybrid"}})
    assert failed_with(failed) == "only_relay"
    assert failed["description_placeholders"]["relay"] == "Relay"
    code = await go_on(home, flow_id)
    assert code["step_id"] == "code_relayed"
    done = await home.config_entries.flow.async_configure(flow_id, {"verdict": "same"})
    assert done["type"] == "create_entry"
    assert done["result"].runtime_data.connection.record.relayed


async def test_relay_that_is_gone_is_told(
    home: HomeAssistant, stranger: SimulatedDevice, relay: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_id = await until(lambda: far_flow(home, stranger))
    monkeypatch.setattr(reach, "RELAY_SILENCE", 0.5)
    await relay.program.stop()
    await until(lambda: not coordinator_of(home, relay).reach.is_direct)
    failed = await go_on(home, flow_id)
    assert failed_with(failed) == "relay_gone"


async def test_far_device_is_paired_again_through_the_relay(home: HomeAssistant, stranger: SimulatedDevice) -> None:
    entry = await pair_far(home, stranger)
    await press(stranger)
    context: Any = {"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    begun = await home.config_entries.flow.async_init(DOMAIN, context=context)
    shown = await home.config_entries.flow.async_configure(begun["flow_id"], {"security": {"method": "loss"}})
    assert shown["step_id"] == "relay_confirm"
    code = await go_on(home, begun["flow_id"])
    assert (code["step_id"], code["description_placeholders"]["code"]) == ("code_relayed", stranger.told("code")[-1])
    done = await home.config_entries.flow.async_configure(begun["flow_id"], {"verdict": "same"})
    assert done["reason"] == "reconfigure_successful"
    assert entry.runtime_data.connection.pairings[0].number == 2
    assert entry.runtime_data.connection.record.suite == 0x11


async def test_device_that_has_walked_away_is_paired_again_through_the_relay(
    home: HomeAssistant, world: World, relay: SimulatedDevice, start_device: StartDevice
) -> None:
    """Home Assistant remembers for minutes that it could be connected to; the relay is offered at once."""
    device = await start_device("display", 0, name="Far")
    entry = await pair(home, device)
    await until_adopted(home, device)
    carry(world, device, FAR)
    await say(home, device, "where are you?")
    await until(lambda: not coordinator_of(home, device).reach.is_near)
    assert radio.can_connect(home, device.program.address)
    await press(device)
    context: Any = {"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    begun = await home.config_entries.flow.async_init(DOMAIN, context=context)
    shown = await home.config_entries.flow.async_configure(begun["flow_id"], {})
    assert (shown["step_id"], (shown["description_placeholders"] or {})["relay"]) == ("relay_confirm", "Relay")
    code = await go_on(home, begun["flow_id"])
    assert (code["step_id"], code["description_placeholders"]["code"]) == ("code_relayed", device.told("code")[-1])
    done = await home.config_entries.flow.async_configure(begun["flow_id"], {"verdict": "same"})
    assert done["reason"] == "reconfigure_successful"
    await say(home, device, "a new key")
    assert entry.runtime_data.connection.record.relayed


async def test_removed_relay_carries_no_pairing(home: HomeAssistant, stranger: SimulatedDevice, relay: SimulatedDevice) -> None:
    flow_id = await until(lambda: far_flow(home, stranger))
    entry = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, relay.identity)
    assert entry is not None
    await home.config_entries.async_remove(entry.entry_id)
    failed = await go_on(home, flow_id)
    assert failed_with(failed) == "relay_gone"
    await until(lambda: home.data[HUB].attempts == {})


async def test_reset_of_a_far_device_is_noticed_and_repaired(home: HomeAssistant, stranger: SimulatedDevice) -> None:
    entry = await pair_far(home, stranger)
    coordinator = coordinator_of(home, stranger)
    owners = [getattr(one, "__self__", None) for one in coordinator.protocol_listeners]
    [care] = [one for one in owners if isinstance(one, Care)]
    await until(lambda: coordinator.connection.pairings[0].committed)
    assert not care._says_reset()
    await until(lambda: [row.state for _, row in coordinator.reach.hearing] == [BeaconState.PAIRED])
    await stranger.program.reset()
    await until(care._says_reset)
    for _ in range(CHECKS_WITHOUT_KEY):
        care.check()
    issue = ir.async_get(home).async_get_issue(DOMAIN, issue_id(Issue.DEVICE_RESET, entry.entry_id))
    assert issue is not None
    entry.async_start_reauth(home)
    await home.async_block_till_done()
    [flow] = entry.async_get_active_flows(home, {SOURCE_REAUTH})
    shown = await home.config_entries.flow.async_configure(flow["flow_id"], {})
    assert shown["step_id"] == "relay_confirm"
    code = await go_on(home, flow["flow_id"])
    done = await home.config_entries.flow.async_configure(flow["flow_id"], {"verdict": "same"})
    assert (code["step_id"], done["reason"]) == ("code_relayed", "reauth_successful")
    assert ir.async_get(home).async_get_issue(DOMAIN, issue_id(Issue.DEVICE_RESET, entry.entry_id)) is None


async def test_device_that_comes_near_is_paired_directly(home: HomeAssistant, world: World, stranger: SimulatedDevice) -> None:
    flow_id = await until(lambda: far_flow(home, stranger))
    carry(world, stranger, BESIDE)
    await until(lambda: radio.heard_lately(home, stranger.program.address, 1.0))
    code = await go_on(home, flow_id)
    assert code["step_id"] == "code"
    done = await home.config_entries.flow.async_configure(flow_id, {"verdict": "same"})
    assert done["data"]["address"] == stranger.program.address
    assert not done["result"].runtime_data.connection.record.relayed


async def test_only_who_can_be_paired_is_shown(home: HomeAssistant, relay: SimulatedDevice) -> None:
    relays = home.data[HUB].relays
    known = await until(lambda: relays.find(bytes.fromhex(relay.identity)))
    await until(lambda: coordinator_of(home, relay).reach.is_direct)
    ready, paired = Neighbour(0, False, False, -60, 0), Neighbour(1, False, False, -60, 0)
    rows = {bytes([number, 0, 0, 0]): ready for number in range(SHOWN_MAX + 2)} | {b"full": paired}
    relays.told(known, rows)
    assert b"full" not in home.data[FAR_DEVICES].ready()
    await until(lambda: len(home.config_entries.flow.async_progress_by_handler(DOMAIN)) == SHOWN_MAX)
    home.data[HUB].unfinished = frozenset({b"full".hex() + 24 * "0"})
    assert b"full" in home.data[FAR_DEVICES].ready()
    relays.told(known, {})
    assert home.data[FAR_DEVICES].ready() == []


async def test_paired_device_is_not_shown_again(home: HomeAssistant, relay: SimulatedDevice) -> None:
    begun = await home.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_INTEGRATION_DISCOVERY}, data={"short_id": relay.short_id}
    )
    assert (begun["type"], begun["reason"]) == ("abort", "already_configured")
