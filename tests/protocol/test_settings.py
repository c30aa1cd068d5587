"""The hub's options and small contracts: each bound, and one past it."""

from typing import Any

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.collection import StopRule
from custom_components.self_secure.protocol.connection import Connection, Settings
from custom_components.self_secure.protocol.errors import Cause, LocalError, NegotiationError
from custom_components.self_secure.protocol.outbox import Outbox
from custom_components.self_secure.protocol.statistics import Statistics
from custom_components.self_secure.protocol.terms import HumanCheckSlot, Terms
from custom_components.self_secure.protocol.wire import Wire

from .bench import HUB, Bench

GOOD: list[dict[str, Any]] = [
    {},
    {"minimum": 16, "n_max": 16},
    {"minimum": 2048, "n_max": 2048},
    {"assumed_loss": 1},
    {"assumed_loss": 90},
    {"target_bits": 0},
    {"target_bits": 65535},
    {"w": 1},
    {"w": 32},
    {"omega": 0},
    {"omega": 254},
]
BAD: list[dict[str, Any]] = [
    {"hub_id": HUB[:-1]},
    {"hub_id": HUB + b"x"},
    {"minimum": 15},
    {"minimum": 201, "n_max": 200},
    {"n_max": 2049},
    {"assumed_loss": 0},
    {"assumed_loss": 91},
    {"target_bits": -1},
    {"target_bits": 65536},
    {"w": 0},
    {"w": 33},
    {"omega": -1},
    {"omega": 255},
]


@pytest.mark.parametrize("options", GOOD)
def test_at_the_bound(options: dict[str, Any]) -> None:
    settings = Settings(**{"hub_id": HUB, **options})
    assert settings.rule == StopRule(settings.minimum, settings.target_bits, settings.assumed_loss, settings.n_max)


@pytest.mark.parametrize("options", BAD)
def test_one_past_the_bound(options: dict[str, Any]) -> None:
    with pytest.raises(LocalError):
        Settings(**{"hub_id": HUB, **options})


def test_the_defaults_are_those_of_the_specification() -> None:
    settings = Settings(hub_id=HUB)
    assert (settings.floor, settings.minimum, settings.target_bits, settings.assumed_loss) == (0x11, 200, 64, 20)
    assert (settings.n_max, settings.w, settings.omega) == (2048, 32, 5)


@pytest.mark.parametrize("size", [0, 16, 32])
def test_a_psk_of_128_bits(size: int) -> None:
    terms = Terms(hub_id=HUB, floor=0x11, rule=StopRule(16, 0, 20, 64), human_check=HumanCheckSlot(), psk=b"s" * size)
    assert "sss" not in repr(terms)


@pytest.mark.parametrize("size", [1, 15])
def test_never_a_pin(size: int) -> None:
    with pytest.raises(LocalError):
        Terms(hub_id=HUB, floor=0x11, rule=StopRule(16, 0, 20, 64), human_check=HumanCheckSlot(), psk=b"s" * size)


def test_the_human_check_has_one_owner() -> None:
    slot, first, second = HumanCheckSlot(), object(), object()
    assert slot.acquire(first)
    assert slot.acquire(first)
    assert not slot.acquire(second)
    slot.release(second)
    assert not slot.acquire(second)
    slot.release(first)
    assert slot.acquire(second)


def test_without_a_link_frames_go_nowhere() -> None:
    outbox = Outbox()
    wire = Wire(outbox)
    wire.transmit(b"frame")
    wire.let_go()
    assert outbox.drain() == []


def test_a_stranger_has_nothing_to_show() -> None:
    connection = Connection(Settings(hub_id=HUB), bytes)
    assert (connection.paired, connection.pairing, connection.collecting, connection.wants_link) == (False, False, False, False)
    assert (connection.identity, connection.epoch, connection.record, connection.next_deadline) == (None, None, None, None)
    assert (connection.queued, connection.statistics) == (0, Statistics())


def test_what_a_paired_device_shows() -> None:
    bench = Bench()
    bench.pair()
    connection = bench.hub.connection
    assert (connection.paired, connection.pairing, connection.epoch, connection.queued) == (True, False, 0, 1)
    assert connection.record is not None
    assert connection.record.verified
    assert (connection.statistics.sent, connection.statistics.attempts) == (1, 1)


def test_the_identity_is_known_from_req_on() -> None:
    bench = Bench()
    bench.reach(1)
    assert bench.hub.connection.identity is None
    bench.request()
    assert bench.hub.connection.identity == bench.device.request.identity


def test_an_error_shows_its_cause() -> None:
    assert repr(NegotiationError(Cause.BUSY)) == "NegotiationError(busy)"
    assert str(NegotiationError(Cause.BUSY)) == "busy"


def test_limits_agree_with_each_other() -> None:
    assert limits.FRAME_MAX == limits.HEADER_SIZE + limits.NONCE_SIZE + limits.TEXT_MIN + limits.BODY_MAX + limits.MAC_SIZE
    assert 2 * limits.TAGS_PER_PAGE + limits.HEADER_SIZE <= limits.FRAME_MAX
    assert 1 + limits.CONFLICTS_MAX * (3 + 2 * limits.CANDIDATES_MAX) + 3 + limits.N_MAX_LIMIT // 8 + 24 <= limits.FRAME_MAX
