"""Our messages: both sides, the hub's half, the device's half (protocol.md 6)."""

from typing import Any, Final

from custom_components.self_secure.messages import decode_objects
from custom_components.self_secure.protocol.connection import Connection
from custom_components.self_secure.protocol.events import MessageReceived, MessageType, Transmit
from experiments.virtual.node import Node

from .chains import Chains, HubChains
from .couple import PER_EPOCH, Call, Couple, branch, replay
from .harness import Bench
from .readings import objects

SIZES: Final = (16, 64, 512)
_MOST: Final = 100  # copies of a couple at once: some 100 kB each

_READINGS: Final = MessageType.READINGS
_BYTES: Final = MessageType.BYTES


def register(bench: Bench) -> None:
    """Add the cases."""
    paired = Couple().pair()
    for size in SIZES:
        _add_chains(bench, size)
        _add_whole(bench, paired, size)
        _add_halves(bench, paired, size)


# --- the chains alone


def _add_chains(bench: Bench, size: int) -> None:
    def up(chains: Chains, n: int) -> None:
        for _ in range(n):
            chains.up()

    def down(chains: Chains | HubChains, n: int) -> None:
        for _ in range(n):
            chains.down()

    body = objects(size)
    bench.add("ours", "round trip, device to hub", up, setup=lambda _n: Chains(body), check=_check_up, size=size)
    bench.add("ours", "round trip, hub to device", down, setup=lambda _n: Chains(body), check=_check_down, size=size)
    bench.add("ours", "round trip, hub to hub", down, setup=lambda _n: HubChains(body), check=_check_far, size=size)


def _check_up(chains: Chains, n: int) -> None:
    _expect(n, chains.hub.receiving.index, chains.device.sender.seq)


def _check_down(chains: Chains, n: int) -> None:
    _expect(n, chains.hub.sending.index, chains.device.receiver.seq)


def _check_far(chains: HubChains, n: int) -> None:
    _expect(n, chains.near.sending.index, chains.far.receiving.index)


def _expect(wanted: int, *found: int) -> None:
    if set(found) != {wanted}:
        raise RuntimeError(f"{found} of {wanted} messages")


# --- everything but the radio


def _add_whole(bench: Bench, paired: Couple, size: int) -> None:
    body = objects(size)

    def setup(n: int) -> list[Couple]:
        return [paired.fork() for _ in range(n)]

    def up(couples: list[Couple], _n: int) -> None:
        for couple in couples:
            converse(couple, body)

    def down(couples: list[Couple], _n: int) -> None:
        for couple in couples:
            for _ in range(PER_EPOCH):
                couple.say(_BYTES, body)

    options = {"setup": setup, "operations": PER_EPOCH, "size": size, "most": _MOST}
    bench.add("ours", "whole, device to hub", up, check=lambda state, _n: _check_received([one.hub for one in state]), **options)
    bench.add("ours", "whole, hub to device (bytes, writes free)", down, check=_check_told, **options)


def converse(couple: Couple, body: bytes) -> None:
    """Send `PER_EPOCH` readings through queue, fragments and both state machines, with nothing between them."""
    core, hub = couple.node.core, couple.hub
    for _ in range(PER_EPOCH):
        core.send(_READINGS, body, 0)
        while (fragment := core.next_fragment()) is not None:
            hub.receive(fragment, 0.0)
            for event in hub.events():
                if isinstance(event, Transmit):
                    core.received(event.fragment, 0)


def _check_received(hubs: list[Connection]) -> None:
    _expect(PER_EPOCH + 1, *(hub.statistics.received for hub in hubs))  # and INFO


def _check_told(couples: list[Couple], _n: int) -> None:
    _expect(PER_EPOCH, *(len(couple.node.told("bytes")) for couple in couples))


# --- one side


def _add_halves(bench: Bench, paired: Couple, size: int) -> None:
    told = paired.fork()
    for number in range(PER_EPOCH):
        told.report(_READINGS, objects(size, number))
    fragments = [arguments[0] for name, arguments in told.hub_tape if name == "receive"]

    def receive(hubs: list[Connection], _n: int) -> None:
        for hub in hubs:
            for fragment in fragments:
                hub.receive(fragment, 0.0)
                hub.events()

    def decode(hubs: list[Connection], _n: int) -> None:
        for hub in hubs:
            for fragment in fragments:
                hub.receive(fragment, 0.0)
                for event in hub.events():
                    if isinstance(event, MessageReceived):
                        decode_objects(event.body)

    options: dict[str, Any] = {"size": size, "operations": PER_EPOCH, "most": _MOST}
    hub = {"setup": lambda n: [branch(paired.hub) for _ in range(n)], "check": lambda hubs, _n: _check_received(hubs), **options}
    bench.add("ours", "hub half: receive", receive, **hub)
    bench.add("ours", "hub half: receive and decode", decode, **hub)
    _add_device_half(bench, paired, told.device_tape, options)


def _add_device_half(bench: Bench, paired: Couple, tape: list[Call], options: dict[str, Any]) -> None:
    def send(nodes: list[Node], _n: int) -> None:
        for node in nodes:
            replay(node.core, tape)

    def check(nodes: list[Node], _n: int) -> None:
        _expect(PER_EPOCH, *(node.core.peer.session.sender.seq - paired.node.core.peer.session.sender.seq for node in nodes))

    bench.add("ours", "device half: send (CPython)", send, setup=lambda n: [branch(paired.node) for _ in range(n)], check=check, **options)
