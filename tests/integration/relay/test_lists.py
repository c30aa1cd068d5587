"""What relays tell, and what Home Assistant makes of it before anybody is contacted."""

import asyncio
from collections.abc import Callable

from homeassistant.core import HomeAssistant
import pytest

from custom_components.self_secure import adoption as adoption_module
from custom_components.self_secure.far import FAR as FAR_DEVICES
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.messages import Neighbour, decode_neighbours
from custom_components.self_secure.relays import Relay, Relays
from custom_components.self_secure.transport.client import Client
from custom_components.self_secure.transport.paths import Paths
from tests.integration.conftest import SimulatedDevice, StartDevice, discovered_flow, listed, pair, security_events, until

from .neighbourhood import coordinator_of, until_adopted

ROW = b"near" + bytes([0x21, 0xC4, 0])
BEHIND = b"far!" + bytes([0x12, 0xA6, 2])


def info(value: bytes, tag: int = 5) -> bytes:
    return bytes([1, 4]) + b"Name" + bytes([tag, len(value)]) + value


def test_a_list_tells_state_kind_key_signal_and_hops() -> None:
    assert decode_neighbours(info(ROW + BEHIND)) == {
        b"near": Neighbour(state=1, is_relay=False, adopted=True, rssi=-60, hops=0),
        b"far!": Neighbour(state=2, is_relay=True, adopted=False, rssi=-90, hops=2),
    }
    assert decode_neighbours(info(b"")) == {}


@pytest.mark.parametrize("body", [b"", info(ROW, tag=6), info(ROW[:-1]), info(ROW + b"x"), info(ROW)[:-1]])
def test_what_is_no_list_is_none(body: bytes) -> None:
    assert decode_neighbours(body) is None


def relay(name: str, *, present: bool = True) -> Relay:
    async def send(_type: int, _body: bytes) -> int:
        return 0

    paths = Paths(send, name)
    return Relay(name.encode().ljust(16), name, lambda: name, lambda: paths, lambda: present, lambda: present)


def row(hops: int, rssi: int) -> Neighbour:
    return Neighbour(1, is_relay=False, adopted=True, rssi=rssi, hops=hops)


def test_the_nearest_relay_comes_first_then_the_best_signal() -> None:
    relays = Relays()
    for name, hops, rssi in (("b", 0, -80), ("c", 1, -40), ("d", 0, -60)):
        relays.told(relay(name), {b"1234": row(hops, rssi)})
    relays.told(relay("e", present=False), {b"1234": row(0, -30), b"5678": row(0, -30)})
    assert [one.name() for one, _ in relays.hearing(b"1234")] == ["d", "b", "c"]
    assert relays.hearing(b"5678") == []
    assert relays.heard() == {b"1234"}
    assert len(relays) == 4


def test_who_watches_hears_what_is_told_and_that_it_is_not_any_more() -> None:
    relays, told, changes = Relays(), list[Neighbour | None](), list[int]()
    relays.listeners.add(lambda: changes.append(len(relays)))
    stop, other = relays.watch(b"1234", told.append), relays.watch(b"1234", lambda _: None)
    one = relay("b")
    relays.changed(one)  # it has told nothing yet
    relays.told(one, {b"1234": row(0, -60)})
    relays.told(one, {b"1234": row(0, -70), b"5678": row(0, -70)})
    relays.changed(one)
    relays.told(one, {b"5678": row(0, -70)})
    relays.gone(one)
    relays.gone(one)
    assert told == [row(0, -60), row(0, -70), None, None]
    assert changes == [1, 1, 1, 1, 0]
    stop()
    relays.told(one, {b"1234": row(0, -60)})
    other()
    assert len(told) == 4
    assert relays._watching == {}


async def test_without_relays_the_list_of_devices_is_as_ever(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    await until(lambda: discovered_flow(home, device))
    del home.data[FAR_DEVICES]  # as before the first device, when nothing is set up
    shown = await listed(home)
    assert (shown["description_placeholders"] or {})["far"] == "-"


@pytest.mark.parametrize(("seconds", "give_up"), [(0.2, lambda _: None), (60.0, Client.cut_paths)], ids=["no answer", "no connection"])
async def test_device_that_does_not_hear_the_invitation_is_left_alone(
    home: HomeAssistant,
    relay: SimulatedDevice,
    start_device: StartDevice,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    give_up: Callable[[Client], None],
) -> None:
    monkeypatch.setattr(adoption_module, "INVITATION_SECONDS", seconds)
    device = await start_device("display", 0)
    relays = home.data[HUB].relays
    known = await until(lambda: relays.find(bytes.fromhex(relay.identity)))
    async with relays.adopting:  # its list comes before this test is ready
        await pair(home, device)
        coordinator = coordinator_of(home, device)
        await until(lambda: known in [one for one, _ in coordinator.reach.hearing])
        await device.program.stop()
        await until(lambda: not coordinator.client.contact.is_open)
        told = security_events(home)
    adoption = coordinator._adoption
    await until(lambda: coordinator.connection.queued)
    give_up(coordinator.client)
    await until(lambda: adoption._running is None)
    assert adoption._rest.until > home.loop.time()
    adoption.look()
    assert adoption._running is None
    coordinator.client.cut_paths()  # nothing is left of it
    await until(lambda: coordinator.connection.queued == 0)
    assert (told, device.told("carried")) == ([], [])


@pytest.fixture
async def uninvited(
    home: HomeAssistant, relay: SimulatedDevice, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> SimulatedDevice:
    """A device beside a relay, the first attempt to make a key between which has just failed; the next one will not."""
    with monkeypatch.context() as brief:
        brief.setattr(adoption_module, "INVITATION_SECONDS", 0.0)
        brief.setattr(adoption_module, "FIRST_REST", 1.0)
        device = await start_device("display", 0)
        await until(lambda: home.data[HUB].relays.find(bytes.fromhex(relay.identity)))
        await pair(home, device)
        adoption = coordinator_of(home, device)._adoption
        await until(lambda: adoption._rest.until > home.loop.time() and adoption._running is None)
    return device


async def test_device_that_did_not_hear_the_invitation_is_invited_again_without_another_list(
    home: HomeAssistant, uninvited: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    adoption = coordinator_of(home, uninvited)._adoption
    with monkeypatch.context() as deaf:
        deaf.setattr(adoption, "look", lambda: None)  # to lists; what waits for the end of the rest knows the method itself
        await until(lambda: adoption._running, 5)
    assert adoption._rest.until <= home.loop.time()
    await until_adopted(home, uninvited)
    await until(lambda: uninvited.told("carried"))  # the device may believe in its key later than the relay tells of it


async def test_nobody_is_invited_again_after_the_entry_is_unloaded(home: HomeAssistant, uninvited: SimulatedDevice) -> None:
    coordinator = coordinator_of(home, uninvited)
    again = coordinator._adoption._again
    assert again is not None
    assert not again.cancelled()
    assert await home.config_entries.async_unload(coordinator.config_entry.entry_id)
    assert again.cancelled()


async def test_nobody_is_invited_after_the_entry_is_unloaded(
    home: HomeAssistant, relay: SimulatedDevice, start_device: StartDevice
) -> None:
    device = await start_device("display", 0)
    await until(lambda: home.data[HUB].relays.find(bytes.fromhex(relay.identity)))
    async with home.data[HUB].relays.adopting:
        entry = await pair(home, device)
        adoption = coordinator_of(home, device)._adoption
        await until(lambda: adoption._running)
        assert await home.config_entries.async_unload(entry.entry_id)
    await until(lambda: adoption._running is None)
    adoption.look()
    assert adoption._running is None


async def test_nobody_is_invited_whose_relay_has_gone_meanwhile(
    home: HomeAssistant, relay: SimulatedDevice, start_device: StartDevice
) -> None:
    device = await start_device("display", 0)
    relays = home.data[HUB].relays
    known = await until(lambda: relays.find(bytes.fromhex(relay.identity)))
    async with relays.adopting:
        await pair(home, device)
        adoption = coordinator_of(home, device)._adoption
        await until(lambda: adoption._running)
        relays.gone(known)
    await until(lambda: adoption._running is None)
    assert coordinator_of(home, device).connection.queued == 0


async def test_device_out_of_reach_gets_its_relays_before_one_beside_us(
    home: HomeAssistant, far: SimulatedDevice, start_device: StartDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One key is made at a time, each may take a minute or two, and only one of them stands between a device and silence."""
    near = await start_device("display", 2, name="Near")
    await pair(home, near)
    order: list[str] = []

    async def noted(adoption: adoption_module.Adoption) -> None:
        order.append(adoption._coordinator.name)

    relays = home.data[HUB].relays
    async with relays.adopting:
        monkeypatch.setattr(adoption_module.Adoption, "_adopt", noted)
        waiting = [asyncio.create_task(coordinator_of(home, device)._adoption._run()) for device in (near, far)]
        await until(lambda: relays.far_waiting)
    await asyncio.gather(*waiting)
    assert list(dict.fromkeys(order)) == ["Far", "Near"]
    assert relays.far_waiting == 0
