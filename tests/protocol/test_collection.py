"""Candidates, conflicts and the stop rule (protocol.md 5 rules 1-3)."""

import math

from hypothesis import given, strategies as st
import pytest

from custom_components.self_secure.protocol import limits, sets
from custom_components.self_secure.protocol.collection import Collection, StopRule, candidate_tag

N_I = bytes(range(16))
RULE = StopRule(minimum=20, target_bits=8, assumed_loss=20, n_max=2048)


def value(number: int) -> bytes:
    return number.to_bytes(20)


def collection(rule: StopRule = RULE, **heard: range | list[int]) -> Collection:
    made = Collection(rule, N_I)
    for scanner, numbers in heard.items():
        for seq in numbers:
            made.add(scanner, seq, value(seq))
    return made


def twins() -> tuple[bytes, bytes]:
    """Two R with one tag, for Seq 0."""
    seen: dict[bytes, bytes] = {}
    for number in range(100_000):
        tag = candidate_tag(N_I, 0, value(number))
        other = seen.setdefault(tag, value(number))
        if other != value(number):
            return other, value(number)
    raise AssertionError("16 bits do collide")


def test_identical_copies_collapse() -> None:
    made = collection(here=range(5))
    assert [made.add("there", seq, value(seq)) for seq in range(7)] == [False] * 5 + [True] * 2
    assert made.members() == [*range(7)]
    assert made.scanners == 2


def test_two_and_three_candidates_are_reported_and_not_in_s() -> None:
    made = collection(here=range(4))
    made.add("here", 1, value(91))
    made.add("here", 3, value(93))
    made.add("here", 3, value(83))
    assert made.members() == [0, 2]
    assert [(row.seq, row.candidates) for row in made.conflicts()] == [(1, (value(1), value(91))), (3, (value(3), value(93), value(83)))]
    tags = [candidate_tag(N_I, seq, value(number)) for seq, number in ((1, 1), (1, 91), (3, 3), (3, 93), (3, 83))]
    assert made.report() == b"\x02" + b"\x00\x01\x02" + b"".join(tags[:2]) + b"\x00\x03\x03" + b"".join(tags[2:])


def test_conflicts_ascend() -> None:
    made = collection(here=[9, 4, 6])
    for seq in (9, 4, 6):
        made.add("here", seq, value(99))
    assert [row.seq for row in made.conflicts()] == [4, 6, 9]


def test_a_fourth_r_drops_the_seq_and_counts() -> None:
    made = collection(here=[0, 1])
    changed = [made.add("here", 0, value(number)) for number in (90, 91, 92, 93, 0)]
    assert changed == [True, True, True, False, False]
    assert (made.members(), made.conflicts(), made.conflict_count) == ([1], [], 1)
    assert made.report() == b"\x00"


def test_two_candidates_with_one_tag_drop_the_seq_and_count() -> None:
    first, second = twins()
    made = Collection(RULE, N_I)
    assert made.add("here", 0, first)
    assert made.add("here", 0, second)
    assert (made.members(), made.conflicts(), made.conflict_count) == ([], [], 1)


@pytest.mark.parametrize(("size", "cap"), [(0, 8), (179, 8), (180, 9), (1279, 63), (1280, 64), (2048, 64)])
def test_the_cap_of_conflicts(size: int, cap: int) -> None:
    made = collection(here=range(cap))
    for seq in range(cap):
        made.add("here", seq, value(9000))
    assert not made.conflicts_over(size)
    made.add("here", cap, value(1))
    made.add("here", cap, value(2))
    assert made.conflicts_over(size)


def test_complete_at_the_minimum() -> None:
    rule = StopRule(minimum=20, target_bits=0, assumed_loss=20, n_max=64)
    assert not collection(rule, here=range(19)).complete()
    assert collection(rule, here=range(20)).complete()


@pytest.mark.parametrize("assumed", [1, 20, 90])
def test_complete_at_the_target(assumed: int) -> None:
    """The number of packets without any loss: target / -log2(1 - assumed loss)."""
    rule = StopRule(minimum=16, target_bits=64, assumed_loss=assumed, n_max=2048)
    needed = max(16, math.ceil(64 / -math.log2(1 - assumed / 100)))
    assert collection(rule, here=range(needed)).complete()
    assert not collection(rule, here=range(needed - 1)).complete()


def test_bursts_ask_for_more() -> None:
    """Ten lost in a row after each ten heard: f = 10 x 1/2 = 5."""
    made = collection(here=[seq for seq in range(990) if seq // 10 % 2 == 0])
    members = made.members()
    factor = (490 / 49) * len(members) / 990
    assert made.secrecy(members) == pytest.approx(len(members) / factor * -math.log2(0.8))
    assert made.progress(30, 0.0).secrecy_bits == made.secrecy(members)
    assert factor == pytest.approx(5, rel=0.02)


@pytest.mark.parametrize(("missed", "enough"), [(limits.SCANNER_MISSES_MIN - 1, False), (limits.SCANNER_MISSES_MIN, True)])
def test_each_of_two_scanners_has_missed_eight(missed: int, enough: bool) -> None:
    made = collection(here=range(missed, 100), there=range(100 - missed))
    assert made.complete() is enough


def test_one_that_missed_enough_is_not_enough() -> None:
    made = collection(here=range(50), there=range(20))
    assert not made.complete()


def test_a_single_scanner_may_have_everything() -> None:
    assert collection(here=range(50)).complete()


def test_too_many_conflicts_are_not_complete() -> None:
    made = collection(here=range(60))
    for seq in range(9):
        made.add("here", seq, value(9000))
    assert not made.complete()


def test_progress_rises_to_one_and_ends() -> None:
    made = collection(here=range(0, 20, 2))
    half = made.progress(30, 100.0)
    assert (half.packets, half.span, half.minimum, half.target_bits, half.scanners) == (10, 19, 20, 8, 1)
    assert half.loss == pytest.approx(1 - 10 / 19)
    assert half.fraction == pytest.approx(10 * 0.3219 / 8, rel=0.01)
    assert 0 < half.seconds_left < 100
    whole = collection(here=range(60)).progress(30, 100.0)
    assert (whole.fraction, whole.seconds_left, whole.loss) == (1.0, 0.0, 0.0)


def test_progress_without_a_packet_is_bounded() -> None:
    empty = Collection(StopRule(16, 0, 20, 64), N_I).progress(30, 5.0)
    assert (empty.packets, empty.span, empty.loss, empty.fraction) == (0, 0, 0.0, 0.0)
    assert empty.seconds_left <= 5.0


def test_repr_shows_no_packet() -> None:
    assert value(3).hex() not in repr(collection(here=range(9)))
    made = collection(here=[1])
    made.add("here", 1, b"secret secret secret")
    assert "secret" not in repr(made) + repr(made.conflicts())


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans())))
def test_the_running_set_agrees_with_the_formula(changes: list[tuple[int, bool]]) -> None:
    """Each change, in any order, against the whole set counted anew."""
    running, model = sets.RunningSet(), set[int]()
    for number, leaves in changes:
        steps = {(False, False): running.add, (True, True): running.remove}
        steps.get((number in model, leaves), lambda _number: None)(number)
        model = (model - {number}) if leaves else (model | {number})
        assert running.numbers == sorted(model)
        assert running.burst_factor == sets.burst_factor(sorted(model))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.integers(0, 4)), max_size=120))
def test_what_each_scanner_has_of_s(packets: list[tuple[str, int, int]]) -> None:
    made = Collection(RULE, N_I)
    heard: dict[str, set[int]] = {}
    for scanner, seq, number in packets:
        made.add(scanner, seq, value(number))
        heard.setdefault(scanner, set()).add(seq)
        members = set(made.members())
        assert {name: listener.members for name, listener in made._scanners.items()} == {
            name: len(members & seqs) for name, seqs in heard.items()
        }
