"""Frames and fragments at their bounds (protocol.md 3 and 4)."""

from collections.abc import Callable, Mapping

import pytest

from self_secure_device import adverts, frames, sets
from self_secure_device.errors import FrameError


def feed(*parts: bytes) -> tuple[list[bytes | None], int]:
    assembler = frames.Assembler()
    return [assembler.feed(part) for part in parts], assembler.discarded


@pytest.mark.parametrize("size", [20, 27, 244, 512])
@pytest.mark.parametrize("length", [1, 18, 19, 20, 243, 244, 1024])
def test_fragments_round_trip(size: int, length: int) -> None:
    frame = bytes(index % 251 for index in range(length))
    parts = frames.fragments(frame, size)
    assert max(len(part) for part in parts) <= size
    assert feed(*parts)[0] == [None] * (len(parts) - 1) + [frame]


def test_128_fragments_are_the_most() -> None:
    assert len(frames.fragments(bytes(1024), 9)) == 128
    with pytest.raises(FrameError):
        frames.fragments(bytes(1025), 9)


def test_byte_1025_discards() -> None:
    whole = b"\x00" + bytes(512), b"\x81" + bytes(512)
    assert feed(*whole) == ([None, bytes(1024)], 0)
    longer = b"\x00" + bytes(512), b"\x01" + bytes(513), b"\x82a", b"\x80b"
    assert feed(*longer) == ([None, None, None, b"b"], 2)


@pytest.mark.parametrize(
    ("parts", "out", "discarded"),
    [
        ([b"\x00a", b"\x80b"], [None, b"b"], 1),  # fragment 0 always starts
        ([b"\x00a", b"\x82b", b"\x81c", b"\x80d"], [None, None, None, b"d"], 2),  # a gap discards up to the next 0
        ([b"\x81a"], [None], 1),  # nothing was started
        ([b"\x00a", b"\x01", b"\x82b"], [None, None, None], 2),  # an empty chunk
        ([b"\x80"], [None], 1),
        ([b"\x00", b"\x81a"], [None, None], 2),
        ([b""], [None], 1),
        ([b"\x80a", b"\x81b"], [b"a", None], 1),  # nothing follows the last
    ],
)
def test_assembler_rules(parts: list[bytes], out: list[bytes | None], discarded: int) -> None:
    assert feed(*parts) == (out, discarded)


def test_fragment_129_cannot_follow() -> None:
    parts = [bytes([index]) + b"a" for index in range(128)]
    assert feed(*parts, b"\x80b")[0][-1] == b"b"
    assert feed(*parts, b"\x81b")[0][-1] is None


MACS: Mapping[int, int] = {
    0: 0,
    1: 0,
    3: 16,
    4: 16,
    5: 16,
    6: 16,
    7: 0,
    8: 0,
    0x10: 16,
    0x11: 16,
    0x12: 16,
    0x20: 0,
    0x22: 16,
    0x23: 16,
    0x24: 0,
}


@pytest.mark.parametrize(("kind", "mac"), MACS.items())
def test_len_must_equal_what_is_between_header_and_mac(kind: int, mac: int) -> None:
    raw = frames.encode_head(kind, b"text") + bytes(mac)
    frame = frames.decode(raw)
    assert (frame.message, frame.mac, frame.raw) == (b"text", bytes(mac), raw)
    for wrong in (raw[:-1], raw + b"\x00"):
        with pytest.raises(FrameError):
            frames.decode(wrong)


@pytest.mark.parametrize("count", [1, 4])
def test_r1_has_one_mac_per_entry(count: int) -> None:
    head = frames.encode_head(frames.R1, bytes(32) + bytes([count]) + bytes(8 * count + 64))
    assert len(frames.decode(head + bytes(16 * count)).mac) == 16 * count
    with pytest.raises(FrameError):
        frames.decode(head + bytes(16 * count - 16))


@pytest.mark.parametrize("kind", [0x02, 0x09, 0x13, 0x25, 0x30, 0x80, 0xFF])
def test_unknown_types(kind: int) -> None:
    with pytest.raises(FrameError):
        frames.decode(bytes([kind]) + bytes(7))


@pytest.mark.parametrize("kind", [0, 1, 8, 0x20, 0x24])
def test_seq_and_retran_are_zero(kind: int) -> None:
    for numbers in ({"seq": 1}, {"retran": 1}):
        with pytest.raises(FrameError):
            frames.decode(frames.encode_head(kind, b"", **numbers))


@pytest.mark.parametrize(
    "build", [lambda: adverts.beacon(2, b"abcdefgh"), lambda: adverts.random_packet(7, 0x0102, bytes(range(20)))], ids=["beacon", "random"]
)
def test_advertisements_are_31_bytes_and_start_with_flags(build: Callable[[], bytes]) -> None:
    assert len(build()) == 31
    assert build().startswith(b"\x02\x01\x06")


def test_advertisement_layouts() -> None:
    uuid = "00dec05e1f5e3a8d0d4c1f5e01006f7a"
    assert adverts.beacon(2, b"abcdefgh").hex() == "020106" + "1107" + uuid + "09ffffff" + "1200" + b"abcd".hex()
    assert adverts.random_packet(7, 0x0102, bytes(20)).hex() == "020106" + "1bffffff" + "52" + "07" + "0102" + "00" * 20


@pytest.mark.parametrize(("name", "kind", "length"), [("n" * 29, 9, 29), ("n" * 30, 8, 29), ("ü" * 15, 8, 28)])
def test_scan_response_fits(name: str, kind: int, length: int) -> None:
    data = adverts.scan_response(name)
    assert (data[0], data[1], len(data) - 2) == (length + 1, kind, length)
    assert data[2:].decode() in name


def test_2048_numbers_fit_a_response() -> None:
    assert len(sets.encode(list(range(2048)))) < 300
