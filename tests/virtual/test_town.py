"""One device and several real hubs in virtual time (protocol.md 9): pairing together, readings for all, one that is away."""

import random

import pytest

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.errors import Cause
from custom_components.self_secure.protocol.events import (
    CodeReady,
    EpochStarted,
    MessageReceived,
    MessageType,
    PairingCompleted,
    PairingFailed,
    Verdict,
)
from experiments.virtual.hub import LocalHub, MemoryStore
from experiments.virtual.node import Node
from experiments.virtual.town import Site, Town
from self_secure_device import adverts
from simulation.loss import LossModel

PATIENCE = 400.0
PAPER, LOSS, HYBRID = 0x00, 0x01, 0x11
READING = b"\x01\x50"


def town(hubs: int = 2, suite: int = HYBRID, seed: int = 1) -> Town:
    rng = random.Random(seed)
    node = Node(rng.randbytes(16), rng.randbytes, suites=(suite,))
    sites = []
    for number in range(hubs):
        settings = Settings(hub_id=rng.randbytes(16), floor=suite, minimum=32, target_bits=8)
        losses = {"here": LossModel(number, 0.2), "there": LossModel(f"{number} there", 0.3)}
        sites.append(Site(f"hub {number}", LocalHub(settings, rng.randbytes, MemoryStore()), losses))
    return Town(sites, node)


def open_windows(world: Town) -> None:
    for site in world.sites:
        world.tell(site, "open_pairing", world.now)


def paired(hubs: int = 2, suite: int = HYBRID) -> Town:
    world = town(hubs, suite)
    open_windows(world)
    assert world.run(lambda: all(site.told(CodeReady) or site.told(PairingCompleted) for site in world.sites), PATIENCE)
    for site in [site for site in world.sites if site.told(CodeReady)]:
        world.tell(site, "answer", Verdict.SAME, world.now)
    assert world.run(lambda: len(world.node.told("paired")) == hubs and quiet(world), PATIENCE)
    return world


def quiet(world: Town) -> bool:
    return (
        world.linked is None
        and all(not peer.queue for peer in world.node.core.hubs)
        and not any(site.hub.view.queued for site in world.sites)
    )


def readings(site: Site) -> list[bytes]:
    return [event.body for event in site.told(MessageReceived) if event.type == MessageType.READINGS]


@pytest.mark.parametrize("suite", [PAPER, LOSS, HYBRID])
def test_all_pair_in_one_broadcast(suite: int) -> None:
    world = paired(3, suite)
    assert world.sent == list(range(len(world.sent)))  # one broadcast, every number once
    assert len({site.frames[0] for site in world.sites}) == 1  # the same REQ
    assert world.node.core.state == adverts.PAIRED


def test_codes_differ_and_each_is_shown_by_the_device() -> None:
    world = paired(3)
    codes = [site.told(CodeReady)[0].code for site in world.sites]
    assert sorted(codes) == sorted(world.node.told("code"))
    assert len(set(codes)) == 3


def test_one_hub_that_gives_up_affects_nobody() -> None:
    world = town()
    open_windows(world)
    one, other = world.sites
    assert world.run(lambda: len(world.sent) > 10, PATIENCE)
    world.tell(one, "cancel_pairing", world.now)
    assert world.run(lambda: bool(other.told(CodeReady)), PATIENCE)
    world.tell(other, "answer", Verdict.SAME, world.now)
    assert world.run(lambda: len(world.node.told("paired")) == 1, PATIENCE)
    assert one.told(PairingFailed)[0].cause is Cause.CANCELLED


def test_another_code_at_one_hub_ends_that_one_alone() -> None:
    world = town()
    open_windows(world)
    assert world.run(lambda: all(site.told(CodeReady) for site in world.sites), PATIENCE)
    world.tell(world.sites[0], "answer", Verdict.DIFFERENT, world.now)
    world.tell(world.sites[1], "answer", Verdict.SAME, world.now)
    assert world.run(lambda: len(world.node.told("paired")) == 1, PATIENCE)
    assert [hub.identity for hub in world.node.core.hubs] == [world.sites[1].hub.connection._settings.hub_id]  # type: ignore[attr-defined]  # a LocalHub


@pytest.mark.parametrize("suite", [PAPER, LOSS, HYBRID])
def test_every_hub_gets_every_reading(suite: int) -> None:
    world = paired(3, suite)
    for number in range(3):
        world.node.core.send(MessageType.READINGS, bytes((1, number)), round(world.now * 1000))
        assert world.run(lambda: quiet(world), PATIENCE)
    assert [readings(site) for site in world.sites] == [[b"\x01\x00", b"\x01\x01", b"\x01\x02"]] * 3


@pytest.mark.parametrize("suite", [PAPER, LOSS, HYBRID])
def test_all_come_back_after_a_power_loss_of_the_device(suite: int) -> None:
    world = paired(3, suite)
    world.node.power_cut()
    assert world.run(lambda: len(world.node.told("resumed")) == 3 and quiet(world), PATIENCE)
    world.node.core.send(MessageType.READINGS, READING, round(world.now * 1000))
    assert world.run(lambda: all(readings(site) == [READING] for site in world.sites), PATIENCE)


def test_a_hub_that_is_away_costs_the_others_neither_readings_nor_resume_after_resume() -> None:
    world = paired()
    here, away = world.sites
    away.reachable = False
    world.node.power_cut()
    assert world.run(lambda: len(here.told(EpochStarted)) == 2, PATIENCE)
    began = world.connections
    assert not world.run(lambda: False, 60.0)
    assert world.node.core.state == adverts.FORGETFUL  # for the other one's sake
    assert len(here.told(EpochStarted)) == 2
    world.node.core.send(MessageType.READINGS, READING, round(world.now * 1000))
    assert world.run(lambda: readings(here) == [READING], 30.0)
    assert world.connections - began < 40  # a client backs off besides (tests/transport)
    away.reachable = True
    assert world.run(lambda: readings(away) == [READING], PATIENCE)


def test_a_device_that_forgets_again_is_resumed_although_its_beacon_said_so_all_the_time() -> None:
    world = paired()
    here, away = world.sites
    away.reachable = False
    world.node.power_cut()
    assert world.run(lambda: len(here.told(EpochStarted)) == 2 and world.linked is None, PATIENCE)
    world.node.power_cut()
    assert world.run(lambda: len(here.told(EpochStarted)) == 3, PATIENCE)


def test_one_hub_pairs_again_and_the_other_goes_on() -> None:
    world = paired()
    one, other = world.sites
    world.tell(one, "open_pairing", world.now)
    world.node.core.pair(round(world.now * 1000))
    assert world.run(lambda: len(one.told(CodeReady)) == 2, PATIENCE)
    world.tell(one, "answer", Verdict.SAME, world.now)
    assert world.run(lambda: len(world.node.told("paired")) == 3 and quiet(world), PATIENCE)
    world.tell(other, "send", MessageType.TEXT, b"still yours", world.now)
    assert world.run(lambda: world.node.told("text") == ["still yours"], PATIENCE)
    assert len(other.told(PairingCompleted)) == 1


def test_a_hub_that_lets_the_device_forget_it_leaves_the_other_alone() -> None:
    world = paired()
    one, other = world.sites
    world.tell(one, "dismiss", world.now)
    assert world.run(lambda: bool(world.node.told("forgotten")), PATIENCE)
    world.node.core.send(MessageType.READINGS, READING, round(world.now * 1000))
    assert world.run(lambda: readings(other) == [READING], PATIENCE)
    assert len(world.node.core.hubs) == 1
