"""What a relay learns and what it can do: nothing of the keys of those it carries for (protocol.md 10)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from custom_components.self_secure.protocol.events import CodeReady
from experiments.virtual.memory import found
from self_secure_device.tables import OPENED
from tests.virtual.neighbourhood import TEXT, Neighbourhood, behind_one, identity

EVERY = 5  # fragments between two looks into the memory
AT_ONCE = 8  # bits flipped in one message: what an epoch of the hops carries, together with the message
DATA = 0x10
HUB = b"C" * 16


def secrets_of(house: Neighbourhood) -> Iterator[bytes]:
    """Yield the secrets that device and hub share end to end at this moment, and those that they become from."""
    core = house.nodes["a"].core
    for key in core.keyring.of(HUB):
        yield key.store
        if key.session is not None:
            yield from (key.session.sender.chain, key.session.receiver.chain)
    for machine in core._pairing.negotiations:
        if machine.state == OPENED:
            continue  # only its key is left
        secrets = machine.request._secrets
        held = (machine.keys, machine.shared, *((secrets.seed, secrets.secret) if secrets is not None else ()))
        yield from (one for one in held if one and not machine.relay)


class Watch:
    """Looks, every few fragments in a house, for all end-to-end secrets so far in what the relay has: memory, storage, log."""

    def __init__(self, house: Neighbourhood) -> None:
        self.house = house
        self.secrets: set[bytes] = set()
        self.leaked: set[bytes] = set()
        self.looks = 0
        self._steps = 0
        house.house.tamper = self._look

    def _look(self, _sender: str, _receiver: str, fragment: bytes) -> bytes:
        self.secrets |= set(secrets_of(self.house))
        self._steps += 1
        if self._steps % EVERY == 0:
            self.looks += 1
            self.leaked |= found(self.secrets, self.house.nodes["b"])
        return fragment


@pytest.fixture(scope="module")
def watched() -> Watch:
    """A device that pairs through a relay, talks, and resumes after every kind of restart."""
    house = behind_one()
    watch = Watch(house)
    house.set_up("b", "a")
    for number in range(6):
        house.say("a", f"down {number}")
        house.hear("a", f"up {number}")
    house.hub.restart("a")
    house.say("a", "after the hub's restart")
    house.house.power_off("a")
    house.house.power_on("a")
    house.say("a", "after its own")
    return watch


def test_nothing_that_a_relay_has_contains_an_end_to_end_key(watched: Watch) -> None:
    assert len(watched.secrets) > 30
    assert watched.looks > 60
    assert watched.leaked == set()


def test_the_search_finds_them_where_they_are(watched: Watch) -> None:
    present = set(secrets_of(watched.house))
    assert found(present, watched.house.nodes["a"]) == present
    assert found(present, watched.house.line("a").hub) == present


def test_the_search_finds_the_relay_s_own_keys(watched: Watch) -> None:
    [ward] = watched.house.carrying("b").relay._wards.values()
    own = {ward.entries[0].store, *ward.session.chains()}
    assert found(own, watched.house.nodes["b"]) == own


def test_a_relay_does_not_know_the_code(watched: Watch) -> None:
    [ready] = watched.house.line("a").told(CodeReady)
    assert found([ready.code.encode()], watched.house.nodes["b"]) == set()


# --- every bit of a carried frame


class Tampering:
    """A relay that holds back the messages that it carries one way, and hands over what a test wants instead."""

    def __init__(self, house: Neighbourhood, method: str) -> None:
        self.house = house.house
        self.relay = house.carrying("b")
        self.held: list[tuple[Any, bytes]] = []
        self.returned = 0  # inner frames the other way
        self._holding = False
        routes = self.relay.relay.routes
        self._pass = getattr(routes, method)
        other = {"carry": "returned", "returned": "carry"}[method]
        self._back = getattr(routes, other)
        setattr(routes, method, self._hold)
        setattr(routes, other, self._count)

    def _hold(self, peer: Any, body: bytes, now: int) -> None:
        if self._holding and body[3] == DATA:
            self.held.append((peer, body))
        else:
            self._pass(peer, body, now)

    def _count(self, peer: Any, body: bytes, now: int) -> None:
        self.returned += 1
        self._back(peer, body, now)

    def hold(self) -> bytes:
        """Wait for the next message on a path that is open and keep it; return its body on the hop."""
        self.held, self._holding = [], True
        assert self.house.run(self._has_one, 60)
        return self.held[-1][1]

    def _has_one(self) -> bool:
        numbers = [number for route in self.relay.relay.routes._routes if route.open for number in (route.head, route.lower)]
        return self.held != [] and self.held[-1][1][:2] in numbers

    def hand_over(self, body: bytes) -> None:
        """Pass this on instead, without any timer's help."""
        self.house.now += 0.05  # within the rate of a path
        self._pass(self.held[-1][0], body, self.house.ms)
        self.house.exchange()

    def let_go(self) -> None:
        """Pass the message on as it is, and everything after it."""
        self.hand_over(self.held[-1][1])
        self._holding = False

    @property
    def refused(self) -> int:
        """How many inner frames had a type that no relay passes on."""
        return int(self.relay.core.counters.get("not for a relay", 0))


@pytest.fixture
def house() -> Neighbourhood:
    made = behind_one()
    made.set_up("b", "a")
    made.say("a", "before")
    made.hear("a", "before")
    return made


def flip_all(relay: Tampering, say: Callable[[str], None], dropped: Callable[[], int], arrived: Callable[[], list[str]]) -> int:
    """Flip each bit of a message's frame in turn, a few bits of each of several messages alike; return how many there were.

    After each flip nothing has come back and one more frame is counted; the message itself then arrives.
    """
    start, end = 24, 25  # the inner frame begins behind number and ttl
    while start < end:
        text = f"message {start:04}"
        say(text)
        body = relay.hold()
        end = 8 * len(body)
        for bit in range(start, min(start + AT_ONCE, end)):
            changed = bytearray(body)
            changed[bit // 8] ^= 1 << bit % 8
            before = (dropped() + relay.refused, relay.returned)
            relay.hand_over(bytes(changed))
            assert (dropped() + relay.refused, relay.returned) == (before[0] + 1, before[1])
        relay.let_go()
        relay.house.wait(5)  # the path is closed, and opened again for the next one
        assert arrived()[-1] == text
        start += AT_ONCE
    return end - 24


def test_each_flipped_bit_towards_the_device_is_silence_there_and_counted(house: Neighbourhood) -> None:
    relay, device = Tampering(house, "carry"), house.nodes["a"]
    bits = flip_all(
        relay,
        lambda text: house.hub.tell("a", "send", TEXT, text.encode()),
        lambda: sum(device.core.counters.values()),
        lambda: device.told("text"),
    )
    assert bits == 8 * (8 + 16 + 1 + 8 + len("message 0000") + 16)
    assert 0 < relay.refused < 8


def test_each_flipped_bit_towards_the_hub_is_silence_there_and_counted(house: Neighbourhood) -> None:
    relay, line = Tampering(house, "returned"), house.line("a")
    bits = flip_all(
        relay,
        lambda text: house.nodes["a"].core.send(TEXT, text.encode(), house.house.ms),
        lambda: line.hub.connection.statistics.dropped,
        lambda: [body.decode() for body in line.bodies(TEXT)],
    )
    assert bits == 8 * (8 + 16 + 1 + 8 + len("message 0000") + 16)
    assert 0 < relay.refused < 8


# --- a relay that wants more


def test_a_relay_cannot_pose_as_the_hub(house: Neighbourhood) -> None:
    device = house.nodes["a"].core
    device.send(TEXT, b"for the hub alone", house.house.ms)
    carried = device.peers[identity("b")]
    assert [message.kind for message in carried.queue if message.kind < 7] == []
    assert house.house.run(lambda: b"for the hub alone" in house.line("a").bodies(TEXT), 120)
    assert found([b"for the hub alone"], house.nodes["b"]) == set()
