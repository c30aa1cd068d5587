"""Which way Home Assistant takes to a device, and how long what led to nothing counts (protocol.md 9 and 10)."""

import asyncio
from collections.abc import Callable
from typing import override

from homeassistant.core import HomeAssistant
import pytest

from custom_components.self_secure import reach as reach_module
from custom_components.self_secure.hub import HUB
from custom_components.self_secure.messages import Neighbour
from custom_components.self_secure.reach import REFUSALS_MAX, Reach, _Tracked
from custom_components.self_secure.relays import Relay
from custom_components.self_secure.transport import contact
from custom_components.self_secure.transport.beacon import BeaconState
from custom_components.self_secure.transport.link import Link, LinkError, LinkErrorKind
from custom_components.self_secure.transport.paths import Paths
from self_secure_device.keyring import Key
from self_secure_device.relay import limits
from self_secure_device.session import TEXT, Session
from simulation.world import World
from tests.integration.conftest import SimulatedDevice, StartDevice, pair, until

from .neighbourhood import FAR, carry, coordinator_of, relay_of, say, texts_from, until_adopted


@pytest.fixture
async def near(home: HomeAssistant, start_device: StartDevice) -> SimulatedDevice:
    """A paired device beside Home Assistant, to which nobody is connected."""
    device = await start_device("display", 0, name="Near")
    await pair(home, device)
    coordinator = coordinator_of(home, device)
    await until(lambda: not coordinator.client._link_open and coordinator.reach.is_near)
    return device


class Listing:
    """A relay that tells whom it hears, and keeps what it is asked for without an answer."""

    def __init__(self, hass: HomeAssistant, name: str = "Listing", rssi: int = -60) -> None:
        self.asked: list[bytes] = []
        self._relays, self._rssi, paths = hass.data[HUB].relays, rssi, Paths(self._send, name)
        self.relay = Relay(name.encode().ljust(16), "", lambda: name, lambda: paths, lambda: True, lambda: True)

    async def _send(self, _type: int, body: bytes) -> int:
        self.asked.append(body)
        return 0

    def tell(self, device: SimulatedDevice, state: BeaconState) -> None:
        row = Neighbour(state, is_relay=False, adopted=True, rssi=self._rssi, hops=0)
        self._relays.told(self.relay, {bytes.fromhex(device.short_id): row})


# --- a contact in which nothing was said


def say_to_another_hub(device: SimulatedDevice, text: bytes) -> None:
    """Let the device have a message for a second hub that it belongs to, and that is away."""
    core, other = device.program.core, b"another hub".ljust(16)
    suite = core.keyring.entries[0].suite
    key = Key(other, suite, 0, 0, bytes(suite.store_bytes), committed=True, session=Session(suite, 0, bytes(32)))
    core.keyring.add(key)
    core._peer(key).send(TEXT, text, 0)
    device.program._radio.wake()


async def test_device_that_has_called_another_hub_is_connected_to_directly_again(
    home: HomeAssistant, near: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that it says is the acknowledgement of a greeting, and only the device itself can say that."""
    monkeypatch.setattr(contact, "LINGER_SECONDS", 5.0)  # it hangs up itself, to make room
    coordinator = coordinator_of(home, near)
    client, reach = coordinator.client, coordinator.reach
    assert reach.is_direct
    say_to_another_hub(near, b"not for Home Assistant")
    await until(lambda: client._link_open)
    await until(lambda: not client._link_open)
    assert (client.proved, coordinator.connection.answered) == (False, True)
    assert reach.is_direct
    assert reach.is_near
    await say(home, near, "to you all the same")


# --- refusals


class Refusing(Link):
    """A link that is established, or refused as by a device that another hub is connected to."""

    def __init__(self, *, refuses: bool = True) -> None:
        self._refuses = refuses

    @override
    async def open(self, received: Callable[[bytes], None], closed: Callable[[], None]) -> int:
        if self._refuses:
            raise LinkError(LinkErrorKind.REFUSED, "busy")
        return 20

    @override
    async def write(self, fragment: bytes) -> None:
        pytest.fail("nothing is to be said over it")

    @override
    async def close(self) -> None:
        pass


async def be_refused(reach: Reach, times: int = 1, way: Relay | None = None) -> None:
    for _ in range(times):
        with pytest.raises(LinkError):
            await _Tracked(reach, way, Refusing()).open(print, print)


async def test_device_beside_us_may_refuse_some_connections_in_a_row(
    home: HomeAssistant, near: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach_module, "NEAR_SECONDS", 30.0)
    reach = coordinator_of(home, near).reach
    await be_refused(reach, REFUSALS_MAX)
    assert reach.is_direct
    await be_refused(reach)
    assert not reach.is_direct


async def test_an_established_connection_ends_the_row_of_refusals(
    home: HomeAssistant, near: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach_module, "NEAR_SECONDS", 30.0)
    reach = coordinator_of(home, near).reach
    await be_refused(reach, REFUSALS_MAX)
    link = _Tracked(reach, None, Refusing(refuses=False))
    await link.open(print, print)
    await link.close()
    await be_refused(reach, REFUSALS_MAX)
    assert reach.is_direct
    await be_refused(reach)
    assert not reach.is_direct


async def test_device_that_is_near_no_more_may_refuse_nothing(
    home: HomeAssistant, near: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach_module, "NEAR_SECONDS", -1.0)
    reach = coordinator_of(home, near).reach
    assert reach.is_direct  # as far as anybody knows
    await be_refused(reach)
    assert not reach.is_direct


async def test_relay_that_refuses_comes_after_the_others(home: HomeAssistant, near: SimulatedDevice) -> None:
    reach = coordinator_of(home, near).reach
    better, other = Listing(home, "Better", -50), Listing(home, "Other", -70)
    for listing in (better, other):
        listing.tell(near, BeaconState.PAIRED)
    assert [relay.name() for relay, _ in reach.carrying] == ["Better", "Other"]
    await be_refused(reach, way=better.relay)
    assert [relay.name() for relay, _ in reach.carrying] == ["Other", "Better"]
    assert reach.is_direct


# --- lists that came while the device counted as near


async def test_what_a_relay_told_of_a_near_device_counts_when_it_is_near_no_more(
    home: HomeAssistant, world: World, relay: SimulatedDevice, near: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay says it once; what comes first is the device's message, not another list."""
    await until_adopted(home, near)
    coordinator, order = coordinator_of(home, near), list[str]()
    stop = home.data[HUB].relays.watch(coordinator.short_id, lambda row: order.append(f"list {row.state if row else None}"))
    register = coordinator.reach.changed

    def changed() -> None:
        order.append("connected")
        register()

    coordinator.reach.changed = changed
    texts = texts_from(home, near)
    monkeypatch.setattr(reach_module, "NEAR_SECONDS", 2.0)
    monkeypatch.setattr(limits, "TELL_TIME", 100)
    carry(world, near, FAR)
    near.program.say("behind you")
    await until(lambda: f"list {BeaconState.HAS_DATA:d}" in order)
    assert coordinator.reach.is_near
    assert not coordinator.client.contact.is_open
    order.clear()
    await until(lambda: texts, 8)
    stop()
    assert (order[0], relay_of(home, near), texts) == ("connected", "Relay", ["behind you"])


@pytest.mark.parametrize("seconds", [1.2, 2.2], ids=["a look is due already", "no look is due"])
async def test_what_a_relay_told_before_a_direct_connection_broke_counts_after_that(
    home: HomeAssistant, world: World, near: SimulatedDevice, seconds: float
) -> None:
    """The device counts as near for a while after it has been connected."""
    listing, coordinator = Listing(home), coordinator_of(home, near)
    listing.tell(near, BeaconState.HAS_DATA)
    await asyncio.sleep(seconds)
    await say(home, near, "stay connected")
    assert coordinator.reach.is_connected_directly
    carry(world, near, FAR)
    await until(lambda: not coordinator.client._link_open)
    assert coordinator.reach.is_near
    assert listing.asked == []
    await until(lambda: listing.asked, 5)
    assert listing.asked[0][2:] == bytes.fromhex(near.identity)


async def test_nobody_looks_at_lists_after_the_entry_is_unloaded(home: HomeAssistant, near: SimulatedDevice) -> None:
    """Not even for the sake of the connection that ends with it."""
    listing, coordinator = Listing(home), coordinator_of(home, near)
    listing.tell(near, BeaconState.PAIRED)
    await say(home, near, "stay connected")
    assert coordinator.reach.is_connected_directly
    assert coordinator._cancel_asking is None
    assert await home.config_entries.async_unload(coordinator.config_entry.entry_id)
    timer: asyncio.TimerHandle = getattr(coordinator._cancel_asking, "__self__")  # noqa: B009  # what Home Assistant returns is its cancel
    assert timer.cancelled()
