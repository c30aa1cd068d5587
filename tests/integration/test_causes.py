"""Each way in which a pairing can fail, brought about on the radio, as the dialog tells it (protocol.md 5 rule 9)."""

import asyncio
from collections.abc import Callable

from bumble import hci
from homeassistant.components import bluetooth
from homeassistant.config_entries import SOURCE_BLUETOOTH
from homeassistant.core import HomeAssistant
import pytest

from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.packets import FrameType
from custom_components.self_secure.store import DurableStore
from custom_components.self_secure.transport.beacon import SHORT_ID_SIZE, RandomPacket, decode_advertisement
from simulation.advertising import AdvertisingEvent
from simulation.host import ScannerHost
from simulation.link import Station
from simulation.radio import Radio
from simulation.world import World

from .conftest import (
    SimulatedDevice,
    StartDevice,
    confirm,
    discovered_flow,
    disk_full,
    failed_with,
    pair,
    press,
    remove_untold,
    until,
    until_step,
)

LOSS_SUITE = {"security": {"method": "loss"}}


def tamper(device: SimulatedDevice, kind: FrameType, change: Callable[[bytes], bytes | None]) -> None:
    """Let somebody on the link change the fragments of one kind of frame that the device sends; None takes a fragment away."""
    core = device.program.core
    send: Callable[[], bytes | None] = core.next_fragment
    frame: list[bytes] = []

    def next_fragment() -> bytes | None:
        while (fragment := send()) is not None:
            frame[:] = [*frame, fragment] if fragment[0] & 0x7F else [fragment]
            changed = change(fragment) if frame[0][1] == kind else fragment
            if changed is not None:
                return changed
        return None

    core.next_fragment = next_fragment


def flipped(fragment: bytes) -> bytes:
    """Return the fragment with another last byte, which is the MAC's if it is the last one."""
    return fragment[:-1] + bytes([fragment[-1] ^ 1])


def forge(world: World, radio: Radio) -> None:
    """Let somebody answer each random packet with another one of the same number (protocol.md 5 rule 1)."""
    controller, forged = radio.power_up(), set[bytes]()

    def hear(event: AdvertisingEvent, _rssi: int) -> None:
        packet = decode_advertisement(event.data)
        if isinstance(packet, RandomPacket) and event.data not in forged:
            data = RandomPacket(packet.sid, packet.seq, packet.value[::-1]).advertisement
            forged.add(data)
            asyncio.get_running_loop().call_soon(
                world.link.send_advertising_pdu, controller, AdvertisingEvent(event.address, data, b"", event.properties)
            )

    world.link.listen(Station("Mallory", radio.station.place, seed=1, loss=0.0), hear)


async def test_device_that_loses_its_power_while_it_broadcasts(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SILENCE_TIMEOUT", 0.2)
    monkeypatch.setattr(limits, "SILENCE_MAX", 1.0)
    await home.data[HUB].async_set_options({"minimum": 200, "n_max": 200})  # what is left of so few is soon over
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    begun = await home.config_entries.flow.async_configure(flow_id, {})
    await until(lambda: device.program.core.broadcasting)
    await device.program.stop()
    assert failed_with(await until_step(home, begun)) == "too_few_packets"


async def test_broadcast_that_ends_before_the_target(home: HomeAssistant, start_device: StartDevice) -> None:
    await home.data[HUB].async_set_options({"n_max": 48, "target_bits": 40})
    device = await start_device(suites=(0x01,))
    flow_id = await until(lambda: discovered_flow(home, device))
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow_id, LOSS_SUITE))
    assert failed_with(shown) == "low_secrecy"


async def test_packets_that_somebody_forges(home: HomeAssistant, world: World, start_device: StartDevice) -> None:
    forge(world, world.devices[2])
    await home.data[HUB].async_set_options({"minimum": 100, "n_max": 128})
    assert failed_with(await confirm(home, await start_device())) == "conflicts"


@pytest.mark.parametrize(
    ("kind", "reason"), [(FrameType.ACK, "no_ack"), (FrameType.OPEN, "no_open_suspicious")], ids=["acknowledgement", "opening"]
)
async def test_device_that_falls_silent(
    home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch, kind: FrameType, reason: str
) -> None:
    monkeypatch.setattr(limits, "T_2", 0.3)
    monkeypatch.setattr(limits, "T_3", 0.3)
    device = await start_device()
    tamper(device, kind, lambda _: None)
    assert failed_with(await confirm(home, device)) == reason


async def test_key_that_is_not_the_same(home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "T_2", 0.3)
    device = await start_device()
    tamper(device, FrameType.ACK, flipped)
    assert failed_with(await confirm(home, device)) == "wrong_mac"


async def test_code_that_nobody_compares(home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PENDING_LIFETIME", 0.3)
    shown = await confirm(home, await start_device())
    assert shown["step_id"] == "code", shown
    await asyncio.sleep(0.5)
    assert failed_with(await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})) == "no_answer_suspicious"


async def test_device_that_is_not_whom_its_beacon_named(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    beacon, false = device.program.core.beacon, bytes(SHORT_ID_SIZE)

    def lie() -> tuple[bytes, bytes]:
        data, response = beacon()
        return data[:-SHORT_ID_SIZE] + false, response

    device.program.core.beacon = lie
    device.program._radio.wake()
    flows = home.config_entries.flow.async_progress_by_handler
    found = lambda: [one for one in flows(DOMAIN) if one["context"].get("unique_id") == false.hex()]  # noqa: E731  # used twice
    await until(lambda: bluetooth.async_last_service_info(home, device.program.address))
    bluetooth.async_clear_address_from_match_history(home, device.program.address)
    flow = (await until(found))[0]
    assert flow["context"]["source"] == SOURCE_BLUETOOTH
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow["flow_id"], {}))
    assert failed_with(shown) == "wrong_device_suspicious"


async def test_device_that_somebody_else_is_connected_with(
    home: HomeAssistant, world: World, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONTACT_TIMEOUT", 1.5)
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    other = ScannerHost(lambda _: None)
    await other.attach(world.devices[2].host())
    await other.connect(hci.Address(device.program.address))
    shown = await until_step(home, await home.config_entries.flow.async_configure(flow_id, {}))
    assert failed_with(shown) == "timeout"
    await other.close()


async def test_device_whose_keys_fill_their_places(home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    device = await start_device()
    entry = await pair(home, device)
    monkeypatch.setattr(limits, "KEYS_MAX", 1)
    await press(device)
    begun = await home.config_entries.flow.async_init(DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id})
    shown = await until_step(home, await home.config_entries.flow.async_configure(begun["flow_id"], {}))
    assert failed_with(shown) == "busy"


async def test_what_befalls_a_dialog_at_the_code(home: HomeAssistant, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry is loaded anew, or its disk fails: END has left, so this may be somebody in the middle (protocol.md 5 rule 8)."""
    device = await start_device()
    entry = await pair(home, device)
    begun = await home.config_entries.flow.async_init(DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id})
    await press(device)
    shown = await until_step(home, await home.config_entries.flow.async_configure(begun["flow_id"], {}))
    assert shown["step_id"] == "code", shown
    with monkeypatch.context() as full:
        full.setattr(DurableStore, "async_save", disk_full)
        device.program.say("under the old key")
        await until(lambda: entry.runtime_data.client.ended)
    shown = await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
    assert failed_with(shown) == "not_stored_suspicious"
    assert await home.config_entries.async_reload(entry.entry_id)
    await device.program.reset()
    shown = await until_step(home, await home.config_entries.flow.async_configure(shown["flow_id"], {}))
    assert shown["step_id"] == "code", shown
    assert await home.config_entries.async_reload(entry.entry_id)
    shown = await home.config_entries.flow.async_configure(shown["flow_id"], {"verdict": "same"})
    assert failed_with(shown) == "cancelled_suspicious"


async def test_dialog_that_cannot_begin(home: HomeAssistant, hass_storage: dict[str, object], start_device: StartDevice) -> None:
    device = await start_device()
    flow_id = await until(lambda: discovered_flow(home, device))
    hass_storage[f"{DOMAIN}.hub"] = {"version": 2, "minor_version": 1, "data": {}}
    home.config.components.remove(DOMAIN)  # as when it could not be set up at the start
    done = await home.config_entries.flow.async_configure(flow_id, {})
    assert (done["type"], done["reason"]) == ("abort", "not_set_up")


async def test_device_that_belongs_to_somebody_starts_no_dialog(
    home: HomeAssistant, hass_storage: dict[str, object], start_device: StartDevice
) -> None:
    device = await start_device()
    await remove_untold(home, hass_storage, await pair(home, device))
    heard = await until(lambda: bluetooth.async_last_service_info(home, device.program.address))
    done = await home.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_BLUETOOTH}, data=heard)
    assert (done["type"], done["reason"]) == ("abort", "paired_elsewhere")
