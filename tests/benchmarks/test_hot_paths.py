"""The hot paths for pytest-codspeed (`--codspeed` measures); without it each one runs once, as a test of what it does."""

import secrets

import pytest
from pytest_codspeed import BenchmarkFixture

from benchmarks.broadcast import opened, packets
from benchmarks.chains import Chains, HubChains
from benchmarks.couple import PER_EPOCH, Couple, branch, replay, replay_hub
from benchmarks.messages import converse
from benchmarks.readings import objects
from custom_components.self_secure.protocol import sets
from custom_components.self_secure.protocol.connection import Connection
from custom_components.self_secure.protocol.limits import N_MAX_LIMIT
from custom_components.self_secure.transport.beacon import RandomPacket, decode_advertisement

from .conftest import Told

ROUNDS = 20  # of what needs a fresh couple each time


@pytest.fixture(scope="module")
def played() -> Couple:
    couple = Couple()
    couple.negotiate()
    return couple


@pytest.mark.parametrize("size", [16, 64, 512])
def test_round_trip_device_to_hub(benchmark: BenchmarkFixture, size: int) -> None:
    chains = Chains(objects(size))
    benchmark(chains.up)
    assert chains.hub.receiving.index == chains.device.sender.seq > 0


@pytest.mark.parametrize("size", [16, 64, 512])
def test_round_trip_hub_to_hub(benchmark: BenchmarkFixture, size: int) -> None:
    chains = HubChains(objects(size))
    benchmark(chains.down)
    assert chains.near.sending.index == chains.far.receiving.index > 0


def test_whole_conversation(benchmark: BenchmarkFixture, paired: Couple) -> None:
    def talk(couple: Couple) -> int:
        converse(couple, objects(64))
        return couple.hub.statistics.received

    received = benchmark.pedantic(talk, setup=lambda: ((paired.fork(),), {}), rounds=ROUNDS)
    assert received == PER_EPOCH + 1  # and INFO


def test_hub_half(benchmark: BenchmarkFixture, paired: Couple, told: Told) -> None:
    fragments = told(64)

    def receive(hub: Connection) -> int:
        for fragment in fragments:
            hub.receive(fragment, 0.0)
            hub.events()
        return hub.statistics.received

    received = benchmark.pedantic(receive, setup=lambda: ((branch(paired.hub),), {}), rounds=ROUNDS)
    assert received == PER_EPOCH + 1


def test_negotiation_hub(benchmark: BenchmarkFixture, played: Couple) -> None:
    def negotiate() -> Connection:
        hub = played.new_hub()
        replay_hub(hub, played.hub_tape)
        return hub

    hub = benchmark(negotiate)
    assert (hub.identity, hub.statistics.dropped) == (played.hub.identity, 0)


def test_negotiation_device(benchmark: BenchmarkFixture, played: Couple) -> None:
    def negotiate() -> list[tuple[str, object]]:
        node = played.new_node()
        replay(node.core, played.device_tape)
        return node.log

    assert benchmark(negotiate) == played.node.log


def test_a_broadcast_into_the_set(benchmark: BenchmarkFixture) -> None:
    couple = opened()
    raws = packets(couple, 200)

    def collect(hub: Connection) -> Connection:
        for raw in raws:
            packet = decode_advertisement(raw)
            assert isinstance(packet, RandomPacket)
            hub.random_packet("scanner", packet.sid, packet.seq, packet.value, couple.now)
        return hub

    hub = benchmark.pedantic(collect, setup=lambda: ((branch(couple.hub),), {}), rounds=ROUNDS)
    assert hub._window._negotiation.collected() == list(range(200))


def test_start_from_a_snapshot(benchmark: BenchmarkFixture, paired: Couple) -> None:
    settings = paired.new_hub()._settings
    assert benchmark(lambda: Connection(settings, secrets.token_bytes, paired.snapshot)).paired


def test_decoding_a_random_packet(benchmark: BenchmarkFixture) -> None:
    packet = RandomPacket(1, 2, bytes(20))
    assert benchmark(lambda: decode_advertisement(packet.advertisement)) == packet


def test_coding_a_large_set(benchmark: BenchmarkFixture) -> None:
    numbers = tuple(range(0, N_MAX_LIMIT, 3))
    assert benchmark(lambda: sets.decode(sets.encode(numbers))) == numbers
