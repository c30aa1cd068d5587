"""Advertisements: what Home Assistant's own dispatch costs, and ours behind it (protocol.md 3)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
import tempfile
import time
from typing import Any, Final

from homeassistant.components import bluetooth
from homeassistant.core import HomeAssistant

from custom_components.self_secure import radio
from custom_components.self_secure.protocol.events import Event, PairingProgressed
from custom_components.self_secure.protocol.limits import N_MAX_LIMIT, PROGRESS_SECONDS
from custom_components.self_secure.transport.beacon import Beacon, BeaconState
from custom_components.self_secure.transport.client import Client

from . import air
from .couple import INTERVAL, Couple, branch
from .harness import Bench

ADDRESS: Final = "AA:BB:CC:00:11:22"
_SECONDS: Final = 10.0  # a block whose packets do not arrive fails, and does not hang
_OPTIONS: Final[dict[str, Any]] = {
    "unit": "packet",
    "asynchronous": True,
    "most": 1500,  # of the 2,048 that a set may have
}


def register(bench: Bench) -> None:
    """Add the cases."""
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    bench.keep(folder)
    hass = bench.await_(_bare(folder.name))
    alone = bench.await_(air.plain())
    scanner = bench.await_(air.home_assistant(hass))
    couple = opened()
    for group, one in (("habluetooth", alone), ("home assistant", scanner)):
        bench.add(group, "dispatch, no listener", _hearing(one), setup=lambda n: Listening(packets(couple, n), nothing), **_OPTIONS)
    _add_listeners(bench, hass, scanner, couple)
    _add_pairing(bench, hass, scanner)
    _add_parts(bench, couple)


async def _bare(folder: str) -> HomeAssistant:
    return HomeAssistant(folder)


def opened() -> Couple:
    """Return a hub that collects from now on, until it has all of the broadcast."""
    couple = Couple(packets=N_MAX_LIMIT)
    couple.now = time.monotonic()  # the event loop's clock
    couple.open_broadcast()
    return couple


def packets(couple: Couple, n: int) -> list[bytes]:
    """Return the first `n` random packets of the broadcast."""
    core = branch(couple.node).core
    return [core.next_random() for _ in range(n)]


def nothing(*_: object) -> None:
    """Do nothing."""


def no_beacon(beacon: Beacon, address: str) -> None:
    """Do nothing."""


@dataclass(slots=True)
class Listening:
    """What is on the air in a block, and how to stop listening."""

    raws: list[bytes]
    stop: Callable[[], None]


def _hearing(scanner: air.Scanner) -> Callable[[Listening, int], Awaitable[None]]:
    async def loop(listening: Listening, _n: int) -> None:
        hear = scanner.hear
        for raw in listening.raws:
            hear(ADDRESS, raw)

    return loop


def _stop(listening: Listening, _n: int) -> None:
    listening.stop()


def _add_listeners(bench: Bench, hass: HomeAssistant, scanner: air.Scanner, couple: Couple) -> None:
    """Add a listener that does nothing, and the one of a paired device."""
    beacon = Beacon(BeaconState.PAIRED, relay=False, short_id=b"bench"[:4]).advertisement
    idle = bench.await_(client_of(couple, nothing))

    def empty(n: int) -> Listening:
        stop = bluetooth.async_register_advertisement_callback(hass, nothing, ADDRESS)
        return Listening(packets(couple, n), stop)

    def repeated(n: int) -> Listening:
        return Listening([beacon] * n, bluetooth.async_register_advertisement_callback(hass, nothing, ADDRESS))

    def ours(n: int) -> Listening:
        return Listening([beacon] * n, radio.async_listen(hass, ADDRESS, idle, no_beacon))

    hear = _hearing(scanner)
    bench.add("home assistant", "dispatch, empty listener", hear, setup=empty, check=_stop, **_OPTIONS)
    bench.add("home assistant", "dispatch, same packet, empty listener", hear, setup=repeated, check=_stop, **_OPTIONS)
    bench.add("ours", "beacon of a paired device", hear, setup=ours, check=_stop, **_OPTIONS)


# --- a negotiation


@dataclass(slots=True)
class Pairing:
    """A client that collects what `hear` gets, and how to stop it; `done` when its set has all packets of the block."""

    heard: list[Any]
    hear: Callable[[Any], None]
    stop: Callable[[], None]
    client: Client
    clock: Pace
    done: asyncio.Event


class Pace:
    """The event loop's time when packets come one by one, as a device sends them."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        """Return it."""
        return self.now


async def client_of(couple: Couple, on_event: Callable[[Event], None]) -> Client:
    """Return a client of the couple's hub, as it is now."""
    return Client(branch(couple.hub), _no_link, _no_write, on_event, "bench")


def _no_link() -> Any:
    raise RuntimeError("nobody connects while a device broadcasts")


async def _no_write(_snapshot: object) -> None:
    """Nothing is stored before there is a key."""


def _add_pairing(bench: Bench, hass: HomeAssistant, scanner: air.Scanner) -> None:
    """Add a packet from the scanner to the set, and what of it is ours: behind Home Assistant's dispatch."""

    async def whole(n: int) -> Pairing:
        pairing = await _collecting(n)
        pairing.hear = partial(scanner.hear, ADDRESS)
        pairing.stop = radio.async_listen(hass, ADDRESS, pairing.client, no_beacon)
        return pairing

    async def ours(n: int) -> Pairing:
        pairing, infos = await _collecting(n), list[Any]()
        stop = bluetooth.async_register_advertisement_callback(hass, infos.append, ADDRESS)
        for raw in pairing.heard:
            scanner.hear(ADDRESS, raw)
        stop()
        pairing.heard = infos
        return pairing

    def end(pairing: Pairing, _n: int) -> None:
        pairing.stop()
        bench.await_(pairing.client.stop())

    for name, begin in (("to the set", whole), ("our part", ours)):
        bench.add("ours", f"broadcast packet, {name}", _collect, setup=_awaited(bench, begin), check=end, **_OPTIONS)


def _awaited(bench: Bench, begin: Callable[[int], Awaitable[Pairing]]) -> Callable[[int], Pairing]:
    return lambda n: bench.await_(begin(n))


async def _collecting(n: int) -> Pairing:
    """Return a client that has begun to collect, and `n` packets for it."""
    couple, clock, done = opened(), Pace(), asyncio.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, PairingProgressed) and event.packets == n:
            done.set()

    client = await client_of(couple, on_event)
    client._clock = clock  # noqa: SLF001  # else all packets of a block come in the same few milliseconds
    client.start()
    await asyncio.sleep(0)
    return Pairing(packets(couple, n), radio.listener(client, no_beacon), lambda: None, client, clock, done)


async def _collect(pairing: Pairing, _n: int) -> None:
    """Hear one packet every 30 ms, the pump's turns in between; the last one comes when progress is told again."""
    hear, clock, inbox = pairing.hear, pairing.clock, pairing.client._inbox  # noqa: SLF001  # whether it wants a turn
    *most, last = pairing.heard
    for one in most:
        clock.now += INTERVAL
        hear(one)
        if inbox:
            await asyncio.sleep(0)
    clock.now += PROGRESS_SECONDS
    hear(last)
    async with asyncio.timeout(_SECONDS):
        await pairing.done.wait()


def _add_parts(bench: Bench, couple: Couple) -> None:
    """Add what is the protocol's alone in it, and an event loop that does nothing."""

    def collect(state: tuple[Any, list[bytes]], _n: int) -> None:
        hub, raws = state
        now = couple.now
        for raw in raws:
            now += INTERVAL
            hub.random_packet("bench", raw[8], int.from_bytes(raw[9:11]), raw[11:31], now)
            hub.events()

    async def turns(_state: object, n: int) -> None:
        for _ in range(n):
            await asyncio.sleep(0)

    most = {"unit": "packet", "most": _OPTIONS["most"]}
    bench.add("ours", "broadcast packet, the set alone", collect, setup=lambda n: (branch(couple.hub), packets(couple, n)), **most)
    bench.add("event loop", "an empty turn", turns, unit="turn", asynchronous=True)
