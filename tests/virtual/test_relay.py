"""A hub, relays and far devices in virtual time: real protocol on every side (protocol.md 10)."""

import pytest

from custom_components.self_secure.protocol.events import EpochStarted, MessageDelivered
from experiments.virtual.house import HUB
from tests.virtual.neighbourhood import TEXT, Neighbourhood, behind_one, identity

READINGS = 1


@pytest.fixture(scope="module")
def paired() -> Neighbourhood:
    """A far device, paired through its relay, both in use."""
    house = behind_one()
    house.set_up("b", "a")
    return house


def test_pairs_a_far_device_through_a_relay(paired: Neighbourhood) -> None:
    record = paired.line("a").hub.connection.record
    assert record is not None
    assert (record.suite, record.verified) == (0x11, True)
    assert [hub.identity for hub in paired.nodes["a"].core.hubs] == [b"C" * 16]
    assert paired.nodes["a"].told("carried") == [b"bbbb"]
    assert paired.carrying("b").told("adopted") == [b"aaaa"]


def test_messages_go_both_ways(paired: Neighbourhood) -> None:
    for number in range(5):
        paired.say("a", f"down {number}")
        paired.hear("a", f"up {number}")
    assert paired.nodes["a"].told("text")[-5:] == [f"down {number}" for number in range(5)]


def test_readings_come_over_the_path(paired: Neighbourhood) -> None:
    paired.nodes["a"].core.send(READINGS, b"\x01\x50", paired.house.ms)
    assert paired.house.run(lambda: paired.line("a").bodies(READINGS) == [b"\x01\x50"], 120)


def test_what_waits_at_the_device_comes_when_the_relay_has_heard_its_beacon(paired: Neighbourhood) -> None:
    paired.house.wait(30)
    assert not paired.line("b").direct
    paired.hear("a", "from far away")


def test_the_relay_itself_is_an_ordinary_device(paired: Neighbourhood) -> None:
    paired.say("b", "for you")
    paired.hear("b", "and from me")


def test_epochs_change_on_both_hops_and_end_to_end(paired: Neighbourhood) -> None:
    before = [len(paired.told(name, EpochStarted)) for name in "ab"]
    for number in range(60):
        paired.hub.tell("a", "send", TEXT, f"many {number}".encode())
    assert paired.house.run(lambda: len(paired.nodes["a"].told("text")) >= 60 and paired.nodes["a"].told("text")[-1] == "many 59", 600)
    assert [text for text in paired.nodes["a"].told("text") if text.startswith("many")] == [f"many {number}" for number in range(60)]
    after = [len(paired.told(name, EpochStarted)) for name in "ab"]
    assert after[0] > before[0]
    assert after[1] > before[1]
    assert len(paired.told("a", MessageDelivered)) >= 60


def test_a_restarted_device_resumes_through_the_relay(paired: Neighbourhood) -> None:
    paired.house.power_off("a")
    paired.house.power_on("a")
    paired.say("a", "after the power cut")
    paired.hear("a", "still here")


def test_a_restarted_relay_resumes_both_hops(paired: Neighbourhood) -> None:
    paired.house.power_off("b")
    paired.house.wait(5)
    paired.house.power_on("b")
    paired.say("a", "after the relay's power cut")
    paired.hear("a", "yes")


def test_a_restarted_hub_resumes_with_both(paired: Neighbourhood) -> None:
    for name in "ab":
        paired.hub.restart(name)
    paired.say("a", "after the hub's restart")
    paired.hear("a", "yes again")


def test_direct_contact_is_preferred_and_nothing_is_resumed(paired: Neighbourhood) -> None:
    epochs = len(paired.told("a", EpochStarted))
    paired.house.near.add(frozenset((HUB, "a")))
    paired.house.wait(10)
    paired.say("a", "directly")
    assert paired.line("a").direct
    paired.hear("a", "and back")
    paired.house.near.discard(frozenset((HUB, "a")))
    paired.house.wait(10)
    paired.say("a", "far again")
    assert not paired.line("a").direct
    assert len(paired.told("a", EpochStarted)) <= epochs + 1


def test_another_relay_takes_over() -> None:
    house = Neighbourhood("bd", "a", [(HUB, "b"), (HUB, "d"), ("b", "a"), ("d", "a")])
    house.set_up("b", "d")
    house.hub.shunned = {"d"}
    house.set_up("a")
    house.hub.shunned = set()
    house.hub.tell("a", "send", 0x0A, bytes(2) + identity("d"))  # the hub names the other relay, which then gets a key, too
    house.house.wait(5)
    house.say("a", "first")
    house.house.power_off("b")
    for number in range(4):
        house.say("a", f"over d {number}")
        house.hear("a", f"back {number}")
    assert house.nodes["a"].told("text") == ["first", *(f"over d {number}" for number in range(4))]
    assert house.line("a").bodies(TEXT) == [f"back {number}".encode() for number in range(4)]
    assert house.nodes["a"].told("carried") == [b"bbbb", b"dddd"]


def test_two_relays_deep() -> None:
    house = Neighbourhood("bd", "a", [(HUB, "b"), ("b", "d"), ("d", "a")])
    house.set_up("b", "d", "a")
    for number in range(3):
        house.say("a", f"down {number}")
        house.hear("a", f"up {number}")
    house.say("d", "in the middle")
    assert house.hub.lists["b"][b"aaaa"][1] == 1


def test_three_relays_deep_and_no_fourth() -> None:
    near = [(HUB, "b"), ("b", "d"), ("d", "e"), ("e", "a"), ("e", "f"), ("f", "g")]
    house = Neighbourhood("bdef", "ag", near)
    house.set_up("b", "d", "e", "a")
    house.say("a", "far below")
    house.hear("a", "and up")
    house.house.wait(120)
    assert house.hub.lists["b"][b"aaaa"][1] == 2
    assert house.hub.lists["b"][b"ffff"][1] == 2
    assert b"gggg" not in house.hub.lists["b"]


def test_a_relay_adopts_nobody_by_itself() -> None:
    house = behind_one()
    house.set_up("b")
    house.house.wait(120)
    assert house.nodes["a"].log == []
    assert house.carrying("b").wards is None
