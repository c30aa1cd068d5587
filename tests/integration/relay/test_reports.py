"""What people are told of relays: limits, figures, repairs; and where no key may ever be."""

from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import get_system_health_info  # type: ignore[import-untyped]  # the plugin tells no types

from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.diagnostics import async_get_config_entry_diagnostics
from custom_components.self_secure.protocol.limits import INNER_BODY_MAX
from experiments.virtual.memory import found
from simulation.world import World
from tests.integration.conftest import SimulatedDevice, StartDevice, device_id, pair, security_events, until

from .neighbourhood import FAR, carry, coordinator_of, entity_of, hear, relay_of, say

PLUGINS_DISK = "pytest_homeassistant_custom_component.common"  # stands for the disk, and logs what it writes


async def test_long_messages_are_refused_with_limit_and_cause(home: HomeAssistant, far: SimulatedDevice, relay: SimulatedDevice) -> None:
    call = {"device_id": [device_id(home, far), device_id(home, relay)], "message": "x" * (INNER_BODY_MAX + 1)}
    with pytest.raises(ServiceValidationError) as caught:
        await home.services.async_call(DOMAIN, "send_message", call, blocking=True)
    assert caught.value.translation_key == "message_too_large_for_relay"
    assert caught.value.translation_placeholders == {"name": "Far", "relay": "Relay", "limit": "911"}
    entity_id = entity_of(home, far, "notify", "display")
    with pytest.raises(ServiceValidationError) as caught:
        await home.services.async_call("notify", "send_message", {"entity_id": entity_id, "message": call["message"]}, blocking=True)
    assert caught.value.translation_key == "message_too_large_for_relay"
    await say(home, far, "y" * INNER_BODY_MAX)
    assert far.told("text") == ["y" * INNER_BODY_MAX]


async def test_figures_name_the_way(home: HomeAssistant, far: SimulatedDevice, relay: SimulatedDevice) -> None:
    await say(home, far, "hello")
    ids = [device_id(home, far), device_id(home, relay)]
    told: Any = await home.services.async_call(DOMAIN, "get_link_quality", {"device_id": ids}, blocking=True, return_response=True)
    distant, near = (told[one] for one in ids)
    assert (distant["relay"], distant["hops"], distant["relayed"], distant["frames_dropped"]) == ("Relay", 1, True, 0)
    assert -100 <= distant["signal_at_relay"] < -60
    assert (near["relay"], near["hops"], near["signal_at_relay"], near["relayed"]) == (None, None, None, False)
    signal = er.async_get(home).async_update_entity(entity_of(home, far, "sensor", "signal"), disabled_by=None)
    assert signal.disabled_by is None
    diagnostics = await async_get_config_entry_diagnostics(home, coordinator_of(home, far).config_entry)
    assert diagnostics["link"]["relay"] is True
    assert (diagnostics["relays_hearing"], diagnostics["relays_able_to_carry"], diagnostics["neighbours"]) == (1, 1, None)
    assert diagnostics["pairings"][0]["record"]["relayed"] is True
    of_relay = await async_get_config_entry_diagnostics(home, coordinator_of(home, relay).config_entry)
    assert of_relay["neighbours"] == 1
    assert relay.identity not in repr((diagnostics, of_relay))
    assert "'Relay'" not in repr(diagnostics)
    assert await async_setup_component(home, "system_health", {})
    await home.async_block_till_done()
    health = await get_system_health_info(home, DOMAIN)
    assert (health["relays"], health["carried"], health["devices"]) == (1, 1, 2)


async def test_invitation_and_path_are_no_security_events(
    home: HomeAssistant, world: World, start_device: StartDevice, relay: SimulatedDevice
) -> None:
    device = await start_device("display", 0, name="Far")
    await pair(home, device)
    told = security_events(home)
    await until(lambda: relay.told("adopted"))
    await until(lambda: not coordinator_of(home, device).client.contact.is_open)
    carry(world, device, FAR)
    await say(home, device, "over the relay")
    await until(lambda: relay_of(home, device) == "Relay")
    assert told == []


def end_to_end(storage: dict[str, Any], far: SimulatedDevice) -> set[bytes]:
    """Return the secrets that the device and Home Assistant share at this moment."""
    stored = storage[f"{DOMAIN}.{far.identity}"]["data"]
    kept = {bytes.fromhex(key) for pairing in stored["pairings"] for key in pairing["keys"].values()}
    core = far.program.core
    chains = [key.session for peer in core.hubs for key in core.keyring.of(peer.identity) if key.session is not None]
    return kept | {chain for session in chains for chain in (session.sender.chain, session.receiver.chain)}


def files_of(folder: Path) -> list[bytes]:
    """Return what the relay has on its disk."""
    return [path.read_bytes() for path in folder.glob("device-1*")]


async def test_no_end_to_end_key_is_in_the_relay_or_in_other_files(
    home: HomeAssistant,
    hass_storage: dict[str, Any],
    tmp_path: Path,
    far: SimulatedDevice,
    relay: SimulatedDevice,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets = end_to_end(hass_storage, far)
    for number in range(3):
        await say(home, far, f"down {number}")
        await hear(home, far, f"up {number}")
        secrets |= end_to_end(hass_storage, far)
    await home.services.async_call(DOMAIN, "rotate_keys", {"device_id": device_id(home, far)}, blocking=True)
    await say(home, far, "under new keys")
    secrets |= end_to_end(hass_storage, far)
    assert len(secrets) > 8
    program = relay.program
    assert found(secrets, program.core, program.relay, relay.events, but=[program, home]) == set()
    files = files_of(tmp_path)
    others = [repr(data) for name, data in hass_storage.items() if name != f"{DOMAIN}.{far.identity}"]
    assert files
    logged = [record.getMessage() for record in caplog.records if record.name != PLUGINS_DISK]
    assert found(secrets, files, others, logged) == set()
    assert found(secrets, far.program.core, but=[far.program]) != set()
