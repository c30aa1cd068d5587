"""The coded set (protocol.md 5): both encoders, and everything that is not the one way to write a set."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from self_secure_device import sets
from self_secure_device.errors import SetError


@given(st.sets(st.integers(0, 65535), max_size=300))
def test_both_encoders_round_trip(members: set[int]) -> None:
    numbers = sorted(members)
    count = len(numbers).to_bytes(2)
    assert sets.decode_whole(b"\x00" + count + sets.encode_deltas(numbers)) == numbers
    assert sets.decode_whole(b"\x01" + count + sets.encode_bitmap(numbers)) == numbers
    assert sets.decode_whole(sets.encode(numbers)) == numbers


def recoded(data: bytes) -> bytes:
    """Decode and encode again with the same encoder; what does not decode stays as it is."""
    encoder: dict[int, Any] = {0: sets.encode_deltas, 1: sets.encode_bitmap}
    try:
        numbers = sets.decode_whole(data)
    except SetError:
        return data
    return data[:1] + len(numbers).to_bytes(2) + bytes(encoder[data[0]](numbers))


@given(st.sampled_from([b"\x00\x00", b"\x01\x00"]), st.binary(min_size=1, max_size=12))
def test_what_decodes_is_canonical_for_its_encoder(head: bytes, rest: bytes) -> None:
    assert recoded(head + rest) == head + rest


def test_encoder_0_wins_a_tie() -> None:
    assert sets.encode([0]) == bytes.fromhex("00000100")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "nothing"),
        ("0000", "no count"),
        ("02000100", "unknown encoder"),
        ("00000101", "negative first difference"),
        ("0000020200", "does not rise"),
        ("0000020203", "falls"),
        ("0000018000", "overlong zero"),
        ("000001828000", "overlong one"),
        ("00000180808000", "four groups"),
        ("000001808008", "65,536"),
        ("000001", "member missing"),
        ("00000180", "cut inside a number"),
        ("0000010000", "bytes left over"),
        ("010001c0", "more bits than the count"),
        ("010002", "bitmap missing"),
        ("01000200", "fewer bits than the count"),
        ("0100018000", "trailing zero byte"),
        ("01000000", "bytes behind the empty set"),
        ("010001" + "00" * 8192 + "80", "bit 65,536"),
    ],
)
def test_refuses(raw: str, why: str) -> None:
    with pytest.raises(SetError):
        sets.decode_whole(bytes.fromhex(raw))


@pytest.mark.parametrize("raw", ["000001feff07", "010001" + "00" * 8191 + "01"])
def test_the_largest_number(raw: str) -> None:
    assert sets.decode_whole(bytes.fromhex(raw)) == [65535]
