"""Devices out of Home Assistant's reach, carried for by relays that are real programs on the virtual radio."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest

from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.protocol.limits import INNER_BODY_MAX
from custom_components.self_secure.transport.link import LinkError, LinkErrorKind
from custom_components.self_secure.transport.paths import Far
from simulation.world import World
from tests.integration.conftest import SimulatedDevice, StartDevice, device_entry, pair, state_of, until
from tests.integration.test_groups import make, tell

from .neighbourhood import (
    BESIDE,
    FAR,
    FARTHER,
    HALFWAY,
    carriers,
    carry,
    coordinator_of,
    far_flow,
    hear,
    pair_far,
    relay_of,
    say,
    texts_from,
    until_adopted,
    until_idle,
)


async def test_paired_device_that_walks_away_is_carried_until_it_comes_back(
    home: HomeAssistant, world: World, start_device: StartDevice, relay: SimulatedDevice
) -> None:
    device = await start_device("display", 0, name="Far")
    await pair(home, device)
    await until_adopted(home, device)
    assert relay_of(home, device) is None
    carry(world, device, FAR)
    await say(home, device, "where are you?")
    assert relay_of(home, device) == "Relay"
    await hear(home, device, "far away")
    carry(world, device, BESIDE)
    await until_idle(home, device)
    await until(lambda: coordinator_of(home, device).reach.is_near)
    await say(home, device, "welcome back")
    assert relay_of(home, device) is None
    assert device.told("text") == ["where are you?", "welcome back"]
    assert len(device.told("code")) == 1
    assert device.told("resumed") == []


async def test_device_is_paired_through_a_relay(home: HomeAssistant, far: SimulatedDevice, hass_storage: dict[str, Any]) -> None:
    entry = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, far.identity)
    assert entry is not None
    assert (entry.title, entry.data["address"]) == ("Far", "")
    record = entry.runtime_data.connection.record
    assert (record.suite, record.verified, record.relayed) == (0x11, True, True)
    await until(lambda: relay_of(home, far) == "Relay")
    assert state_of(home, "binary_sensor.far_code_compared") == "on"
    secrecy = home.states.get("sensor.far_secrecy_from_lost_packets")
    assert secrecy is not None
    assert secrecy.attributes["relayed"] is True
    assert hass_storage[f"{DOMAIN}.{far.identity}"]["data"]["pairings"][0]["record"]["relayed"] is True


async def test_address_is_learned_when_the_device_is_heard(home: HomeAssistant, world: World, far: SimulatedDevice) -> None:
    entry = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, far.identity)
    assert entry is not None
    assert (entry.data["address"], device_entry(home, far).connections) == ("", set())
    await until_idle(home, far)
    carry(world, far, BESIDE)
    await until(lambda: coordinator_of(home, far).reach.is_near)
    assert entry.data["address"] == ""  # anybody could send such a beacon
    await say(home, far, "there you are")
    assert entry.data["address"] == far.program.address
    assert device_entry(home, far).connections == {("bluetooth", far.program.address)}
    assert relay_of(home, far) is None


async def test_nothing_is_lost_or_repeated_when_programs_restart(
    home: HomeAssistant, start_device: StartDevice, world: World, relay: SimulatedDevice, far: SimulatedDevice
) -> None:
    texts = texts_from(home, far)
    await say(home, far, "one")
    await hear(home, far, "eins")
    await relay.program.stop()
    await start_device("door", 1, relay=True, name="Relay", seed=2)
    await say(home, far, "two")
    await hear(home, far, "zwei")
    await far.program.stop()
    again = await start_device("display", 0, name="Far", seed=2)
    await say(home, again, "three")
    await hear(home, again, "drei")
    assert texts == ["eins", "zwei", "drei"]
    assert far.told("text") + again.told("text") == ["one", "two", "three"]
    for identity in (relay.identity, far.identity):
        entry = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, identity)
        assert entry is not None
        assert await home.config_entries.async_reload(entry.entry_id)
    texts = texts_from(home, again)
    await say(home, again, "four")
    await hear(home, again, "vier")
    assert (texts, again.told("text")) == (["vier"], ["three", "four"])


async def test_another_relay_takes_over(home: HomeAssistant, world: World, start_device: StartDevice, relay: SimulatedDevice) -> None:
    other = await start_device("door", 2, relay=True, name="Other")
    await pair(home, other)
    device = await start_device("display", 0, name="Far")
    await pair(home, device)
    carry(world, other, HALFWAY)
    await until_adopted(home, device, 2)
    carry(world, device, FAR)
    texts = texts_from(home, device)
    await say(home, device, "first")
    await hear(home, device, "zuerst")
    relays = {"Relay": relay, "Other": other}
    await relays.pop(str(relay_of(home, device))).program.stop()
    await say(home, device, "second")
    await hear(home, device, "danach")
    assert [relay_of(home, device)] == list(relays)
    assert texts == ["zuerst", "danach"]
    assert device.told("text") == ["first", "second"]


async def test_two_relays_deep(home: HomeAssistant, world: World, start_device: StartDevice, relay: SimulatedDevice) -> None:
    world.move("device-2", FAR)
    second = await start_device("door", 2, relay=True, name="Second")
    await pair_far(home, second)
    world.move("device-0", FARTHER)
    device = await start_device("display", 0, name="Far")
    await pair_far(home, device)
    await no_path_runs_over_a_path(home, second)
    [(carrier, row)] = coordinator_of(home, device).reach.carrying
    assert (carrier.name(), row.hops) == ("Relay", 1)
    await say(home, device, "down there")
    await hear(home, device, "up here")
    assert relay_of(home, device) == "Relay"


async def no_path_runs_over_a_path(home: HomeAssistant, second: SimulatedDevice) -> None:
    """A relay that is itself behind another one is no way for Home Assistant."""
    await until_idle(home, second)
    coordinator = coordinator_of(home, second)
    nobody = Far(lambda: b"else" + bytes(12), print, lambda: False, print, print)
    with pytest.raises(LinkError) as caught:
        await coordinator.client.paths.link(nobody).open(print, print)
    assert caught.value.kind is LinkErrorKind.NOT_FOUND
    assert coordinator.connection.queued == 0


async def test_group_message_reaches_a_far_member(home: HomeAssistant, far: SimulatedDevice) -> None:
    group = await make(home, far)
    told = await tell(home, group, "to all", timeout=60)
    assert [row["delivered"] for row in told.values()] == [True]
    assert far.told("text") == ["to all"]
    with pytest.raises(ServiceValidationError) as caught:
        await tell(home, group, "x" * (INNER_BODY_MAX + 1))
    assert caught.value.translation_key == "message_too_large_for_relay"


async def test_removed_device_is_told_through_the_relay(home: HomeAssistant, hass_storage: dict[str, Any], far: SimulatedDevice) -> None:
    entry = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, far.identity)
    assert entry is not None
    await home.config_entries.async_remove(entry.entry_id)
    assert far.told("forgotten") == [None]
    assert f"{DOMAIN}.{far.identity}" not in hass_storage
    await until(lambda: far_flow(home, far))


async def test_removed_relay_carries_nobody(home: HomeAssistant, relay: SimulatedDevice, far: SimulatedDevice) -> None:
    await until(lambda: carriers(home, far) == ["Relay"])
    entry = home.config_entries.async_entry_for_domain_unique_id(DOMAIN, relay.identity)
    assert entry is not None
    await home.config_entries.async_remove(entry.entry_id)
    assert carriers(home, far) == []
    assert relay_of(home, far) is None
    await until_idle(home, far)
    coordinator_of(home, far)._check_presence(dt_util.utcnow())
    assert state_of(home, "event.far_message") == "unavailable"
