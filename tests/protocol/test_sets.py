"""Coded sets and the secrecy of a set (protocol.md 5)."""

import math

from hypothesis import given, strategies as st
import pytest

from custom_components.self_secure.protocol import sets
from custom_components.self_secure.protocol.errors import MalformedError

numbers = st.sets(st.integers(0, 2047), max_size=300).map(sorted)
any_numbers = st.sets(st.integers(0, 65535), max_size=60).map(sorted)


@given(any_numbers)
def test_encode_and_decode_are_inverse(values: list[int]) -> None:
    assert list(sets.decode(sets.encode(values))) == values


@given(any_numbers)
def test_either_encoder_is_read(values: list[int]) -> None:
    count = len(values).to_bytes(2)
    assert list(sets.decode(b"\x00" + count + sets.encode_deltas(values))) == values
    assert list(sets.decode(b"\x01" + count + sets.encode_bitmap(values))) == values


@given(numbers)
def test_the_shorter_payload_is_sent_and_encoder_0_on_a_tie(values: list[int]) -> None:
    deltas, bitmap = sets.encode_deltas(values), sets.encode_bitmap(values)
    coded = sets.encode(values)
    assert len(coded) == 3 + min(len(deltas), len(bitmap))
    assert coded[0] == int(len(bitmap) < len(deltas))


@given(any_numbers, st.binary(max_size=8))
def test_a_prefix_tells_where_it_ends(values: list[int], behind: bytes) -> None:
    coded = sets.encode(values)
    assert sets.decode_prefix(coded + behind) == (tuple(values), len(coded))


@given(st.binary(max_size=40))
def test_whatever_decodes_is_rising_and_fits_its_count(data: bytes) -> None:
    decoded = _decoded(data)
    assert list(decoded) == sorted(set(decoded))
    assert len(decoded) in (0, int.from_bytes(data[1:3]))


def _decoded(data: bytes) -> tuple[int, ...]:
    try:
        return sets.decode(data)
    except MalformedError:
        return ()


@pytest.mark.parametrize(
    ("coded", "values"),
    [
        ("000000", []),
        ("010000", []),
        ("00000100", [0]),
        ("00000200" + "02", [0, 1]),
        ("00000180" + "01", [64]),
        ("000001" + "feff07", [65535]),
        ("010001" + "80", [0]),
        ("010002" + "8080", [0, 8]),
        ("010001" + "00" * 8191 + "01", [65535]),
    ],
)
def test_known_codes(coded: str, values: list[int]) -> None:
    assert list(sets.decode(bytes.fromhex(coded))) == values


@pytest.mark.parametrize(
    "coded",
    [
        "",
        "0000",
        "020000",  # unknown encoder
        "00000100" + "00",  # bytes left over
        "010001" + "8000",  # trailing zero byte
        "000002" + "0200",  # the numbers do not rise
        "000002" + "0401",  # falls: zigzag of -1
        "00000101",  # first number -1
        "000001" + "8000",  # overlong 0
        "000001" + "828000",  # overlong 1
        "000001" + "80",  # unfinished
        "000001" + "80808001",  # four bytes
        "000001" + "808008",  # 65,536: one past the largest
        "000002" + "feff07" + "02",  # rises past it
        "000001",  # no number
        "010001" + "c0",  # a further one bit
        "010002" + "80",  # too few one bits
        "010001" + "00",  # none
        "010001" + "00" * 8192 + "80",  # 65,536
    ],
)
def test_refused_codes(coded: str) -> None:
    with pytest.raises(MalformedError):
        sets.decode(bytes.fromhex(coded))


def test_a_full_broadcast_fits_a_frame() -> None:
    assert len(sets.encode(list(range(2048)))) == 3 + 256


@pytest.mark.parametrize(
    ("values", "loss", "factor"),
    [
        ([], 0.0, 1.0),
        ([7], 0.0, 1.0),
        ([0, 1, 2, 3], 0.0, 1.0),
        ([0, 2, 4, 6], 3 / 7, 1.0),  # bursts of one: 1 x 4/7 < 1
        ([0, 1, 10, 11], 8 / 12, 8 * 4 / 12),  # one burst of eight, capture rate 1/3
        ([5, 25, 45], 38 / 41, 19 * 3 / 41),
    ],
)
def test_loss_and_burst_factor(values: list[int], loss: float, factor: float) -> None:
    assert sets.loss_of(values) == pytest.approx(loss)
    assert sets.burst_factor(values) == pytest.approx(factor)


@given(numbers, st.integers(1, 90))
def test_secrecy_is_the_formula(values: list[int], assumed: int) -> None:
    expected = len(values) / sets.burst_factor(values) * -math.log2(1 - assumed / 100)
    assert sets.secrecy_bits(values, assumed) == pytest.approx(expected)


@pytest.mark.parametrize(("assumed", "bits"), [(20, 64.4), (5, 14.8), (1, 2.9)])
def test_secrecy_of_200_packets(assumed: int, bits: float) -> None:
    assert sets.secrecy_bits(range(200), assumed) == pytest.approx(bits, abs=0.05)
