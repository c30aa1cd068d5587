"""Fragments (protocol.md 3)."""

from hypothesis import given, strategies as st
import pytest

from custom_components.self_secure.protocol import framing, limits
from custom_components.self_secure.protocol.framing import Reassembler


class Model:
    """Protocol.md 3 once more, in the most literal way."""

    def __init__(self) -> None:
        self.chunks: list[bytes] | None = None

    def feed(self, data: bytes) -> bytes | None:
        number, last, chunk = self.split(data)
        self.chunks = [] if number == 0 else self.chunks
        fits = self.chunks is not None and number == len(self.chunks) and chunk != b""
        self.chunks = [*(self.chunks or []), chunk] if fits else None
        whole = b"".join(self.chunks or [])
        self.chunks = None if len(whole) > 1024 else self.chunks
        return self.finish(whole) if last and self.chunks else None

    @staticmethod
    def split(data: bytes) -> tuple[int, bool, bytes]:
        head = (data or b"\x00")[0]
        return head & 0x7F, bool(head & 0x80), data[1:]

    def finish(self, whole: bytes) -> bytes:
        self.chunks = None
        return whole


fragments = st.builds(
    lambda number, last, chunk: bytes([number | last]) + chunk,
    st.integers(0, 3),
    st.sampled_from([0, 0x80]),
    st.sampled_from([b"", b"a", b"bc", bytes(400)]),
)


@given(st.lists(fragments | st.just(b""), max_size=12))
def test_agrees_with_the_model(stream: list[bytes]) -> None:
    reassembler, model = Reassembler(), Model()
    assert [reassembler.feed(piece) for piece in stream] == [model.feed(piece) for piece in stream]


@given(st.binary(min_size=1, max_size=1024), st.integers(10, 600))
def test_cut_and_put_together(frame: bytes, payload: int) -> None:
    reassembler = Reassembler()
    pieces = framing.fragment(frame, payload)
    assert max(map(len, pieces)) <= payload
    assert [reassembler.feed(piece) for piece in pieces] == [None] * (len(pieces) - 1) + [frame]
    assert reassembler.discarded == 0


def test_the_longest_frame_fits_and_one_more_does_not() -> None:
    assert len(framing.fragment(bytes(limits.FRAME_MAX), 244)) == 5
    with pytest.raises(ValueError, match="does not fit"):
        framing.fragment(bytes(limits.FRAME_MAX + 1), 244)


def test_128_fragments_and_not_129() -> None:
    pieces = framing.fragment(bytes(128), 2)
    assert [piece[0] for piece in pieces] == [*range(127), 127 | 0x80]
    with pytest.raises(ValueError, match="does not fit"):
        framing.fragment(bytes(129), 2)


@pytest.mark.parametrize(("frame", "payload"), [(b"", 244), (b"a", 1), (b"a", 0)])
def test_nothing_to_cut(frame: bytes, payload: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        framing.fragment(frame, payload)


def test_byte_1024_is_taken_and_byte_1025_discards() -> None:
    reassembler = Reassembler()
    assert reassembler.feed(b"\x80" + bytes(1024)) == bytes(1024)
    assert reassembler.feed(b"\x80" + bytes(1025)) is None
    assert reassembler.feed(b"\x00" + bytes(1024)) is None
    assert reassembler.feed(b"\x81" + b"a") is None
    assert reassembler.discarded == 2


def test_fragment_129_discards() -> None:
    reassembler = Reassembler()
    fed = [reassembler.feed(bytes([number]) + b"a") for number in range(128)]
    assert fed == [None] * 128
    assert reassembler.feed(b"\x81a") is None
    assert reassembler.discarded == 1


def test_fragment_0_discards_an_unfinished_frame() -> None:
    reassembler = Reassembler()
    assert reassembler.feed(b"\x00lost") is None
    assert reassembler.feed(b"\x80kept") == b"kept"
    assert reassembler.discarded == 1


@pytest.mark.parametrize("bad", [b"", b"\x00", b"\x80", b"\x02late", b"\x01"])
def test_what_does_not_fit_discards_everything_up_to_the_next_fragment_0(bad: bytes) -> None:
    reassembler = Reassembler()
    assert [reassembler.feed(piece) for piece in (b"\x00a", bad, b"\x81b", b"\x80c")] == [None, None, None, b"c"]
    assert reassembler.discarded == 2


def test_disconnecting_discards() -> None:
    reassembler = Reassembler()
    reassembler.feed(b"\x00a")
    reassembler.reset()
    assert reassembler.feed(b"\x81b") is None
