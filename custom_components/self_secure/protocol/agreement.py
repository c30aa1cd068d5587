"""What the two agree on after the broadcast: S, S', and the frames m3-m6 (protocol.md 5; the paper's 3.2, formulas (6)-(10)).

No timers and no states: `Negotiation` says when. Its secrets die with the object.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from . import limits, sets
from .collection import Collection, candidate_tag
from .errors import MalformedError, UnexpectedError
from .keys import RootKey, Transcript, verify
from .packets import Frame, FrameType, Packet, PaperPacket, Request
from .suites import Confirmation, Suite, paper
from .suites.paper_suite import WRAPPING_ENTROPY, InitialKey, unwrap, wrap
from .terms import code_of, commitment

_LEFT_OUT: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Basis:
    """What REQ and ACC have fixed."""

    request: Request
    suite: Suite
    dh: bytes = field(repr=False)
    psk: bytes = field(repr=False)
    th_2: bytes


@dataclass(frozen=True, slots=True)
class _Confirmed:
    keys: Confirmation
    th_3: bytes
    th_4: bytes
    commitment: bytes  # c_I


class Agreement:
    """The responder's side from RSP to OPEN over a collection that does not change any more."""

    def __init__(self, basis: Basis, collection: Collection, members: list[int], entropy: Callable[[int], bytes]) -> None:
        """Agree on S = `members`, ascending."""
        self._basis, self._collection, self._members, self._entropy = basis, collection, members, entropy
        self._conflicts = {row.seq: row for row in collection.conflicts()}
        self._transcript = Transcript(basis.th_2)
        self._packets = collection.packets(members)
        self._whole = self._pool(self._packets)  # PL(S), which PL(S') is, too, where nothing was left out or added
        self._pages = 0
        self._confirmed: _Confirmed | None = None
        self._r_r, self._th_5 = b"", b""

    def response(self) -> bytes:
        """Return RSP, m3."""
        frame = Frame(FrameType.RSP, sets.encode(self._members) + self._collection.report())
        th_3 = self._transcript.absorb(frame.authenticated).value
        key = self._basis.suite.response_key(th_3, self._whole, self._basis.dh, self._basis.psk)
        return frame.authenticated + key.tag(th_3)

    def _pool(self, packets: list[tuple[int, bytes]]) -> bytes:
        return self._basis.suite.pool(self._basis.th_2, self._basis.request.sid, packets)

    def tags(self, frame: Packet) -> bytes:
        """TAGS: return the tags of one page of S, each page once, ascending (rule 4); UnexpectedError otherwise."""
        if not isinstance(frame, Frame):
            raise UnexpectedError("a packet of suite paper")
        page = self._members[frame.seq * limits.TAGS_PER_PAGE : (frame.seq + 1) * limits.TAGS_PER_PAGE]
        if frame.message or frame.retran or frame.seq != self._pages or not page:
            raise UnexpectedError("TAGS page")
        tags = b"".join(candidate_tag(self._basis.request.n_i, *packet) for packet in self._collection.packets(page))
        answer = Frame(FrameType.TAGS, tags, seq=frame.seq)
        self._transcript.absorb(frame.authenticated).absorb(answer.authenticated)
        self._pages += 1
        return answer.encode()

    def confirm(self, frame: Packet) -> list[int]:
        """ACK, m4: verify it and return S'; RemoteError if it does not fit, and then nothing has changed."""
        if not isinstance(frame, Frame):
            raise UnexpectedError("a packet of suite paper")
        agreed, committed = self._read(frame)
        th_3 = self._transcript.value
        th_4 = Transcript(th_3).absorb(frame.authenticated).value
        pool = self._whole if agreed is self._packets else self._pool(agreed)
        keys = self._basis.suite.confirm(th_4, pool, self._basis.dh, self._basis.psk)
        verify(keys.ack.tag(th_4), frame.mac, "ACK")
        self._confirmed = _Confirmed(keys, th_3, th_4, committed)
        return [seq for seq, _ in agreed]

    def _read(self, frame: Frame) -> tuple[list[tuple[int, bytes]], bytes]:
        """Return S' as (Seq, R) and c_I; MalformedError unless S' is within S and the conflicts that are named."""
        agreed, used = sets.decode_prefix(frame.message)
        choices = frame.message[used : used + len(self._conflicts)]
        committed = frame.message[used + len(self._conflicts) :]
        if len(committed) != limits.DIGEST_SIZE:
            raise MalformedError("length of ACK")
        named = {seq: choice for seq, choice in zip(self._conflicts, choices, strict=True) if choice != _LEFT_OUT}
        if any(choice >= len(self._conflicts[seq].candidates) for seq, choice in named.items()):
            raise MalformedError("no such candidate")
        if not named and list(agreed) == self._members:  # as nearly always
            return self._packets, committed
        if not set(named) <= set(agreed) <= set(named) | set(self._members):
            raise MalformedError("S' is not within S and the named conflicts")
        return self._collection.packets(agreed, named), committed

    def end(self) -> bytes:
        """Return END, m5, with r_R; only after `confirm`."""
        confirmed, r_r = self._checked(), self._entropy(limits.NONCE_SIZE)
        frame = Frame(FrameType.END, r_r)
        self._r_r, self._th_5 = r_r, Transcript(confirmed.th_4).absorb(frame.authenticated).value
        return frame.authenticated + confirmed.keys.end.tag(self._th_5)

    def open(self, frame: Packet) -> tuple[RootKey, str]:
        """OPEN, m6: return RK_0 and the code; RemoteError if commitment (rule 10) or MAC do not fit."""
        confirmed = self._checked()
        if not isinstance(frame, Frame):
            raise UnexpectedError("a packet of suite paper")
        if len(frame.message) != limits.NONCE_SIZE:
            raise MalformedError("r_I has 16 bytes")
        verify(confirmed.commitment, commitment(frame.message, confirmed.th_3), "commitment")
        th_6 = Transcript(self._th_5).absorb(frame.authenticated).value
        verify(confirmed.keys.open.tag(th_6), frame.mac, "OPEN")
        return self._basis.suite.root(confirmed.keys, th_6), code_of(frame.message, self._r_r, confirmed.th_4)

    def _checked(self) -> _Confirmed:
        if self._confirmed is None:
            raise UnexpectedError("S' is not agreed")
        return self._confirmed


class PaperAgreement:
    """The same in suite `paper`: no conflicts, no TAGS, no OPEN; K_D confirms (protocol.md 8)."""

    def __init__(self, basis: Basis, collection: Collection, members: list[int], entropy: Callable[[int], bytes]) -> None:
        """Agree on S = `members`, ascending."""
        self._members, self._entropy = members, entropy
        self._k_0 = basis.suite.pool(basis.th_2, basis.request.sid, collection.packets(members))
        self._k_d = paper.derived_key(self._k_0)
        self._ack_rand: bytes | None = None

    def response(self) -> bytes:
        """RSP: Message = Cpr_s, tail = HMAC_rsp, formula (9)."""
        cpr_s = sets.encode_deltas(self._members)
        packet, padded, _ = wrap(FrameType.RSP, 0, cpr_s, self._entropy(WRAPPING_ENTROPY))
        return PaperPacket(packet.type, padded + paper.response_tag(self._k_d, cpr_s)).encode()

    def tags(self, _packet: Packet) -> bytes:
        """There are none."""
        raise UnexpectedError("suite paper has no TAGS")

    def confirm(self, packet: Packet) -> list[int]:
        """ACK: verify HMAC_ack over its Rand, formula (10); S is agreed as it is."""
        padded, received = unwrap(packet, paper.HASH_SIZE)
        _, _, rand, message = paper.read_plain(paper.unpad(padded), FrameType.ACK)
        verify(paper.ack_tag(self._k_d, rand), received, "ACK")
        if message:
            raise MalformedError("ACK has no Message")
        self._ack_rand = rand
        return list(self._members)

    def end(self) -> bytes:
        """END: tail = HMAC(K_D, "end" || Rand of ACK)."""
        packet, padded, _ = wrap(FrameType.END, 0, b"", self._entropy(WRAPPING_ENTROPY))
        return PaperPacket(packet.type, padded + paper.end_tag(self._k_d, self._agreed())).encode()

    def root(self) -> RootKey:
        """K_0, after `confirm`."""
        self._agreed()
        return InitialKey(self._k_0)

    def _agreed(self) -> bytes:
        if self._ack_rand is None:
            raise UnexpectedError("S is not confirmed")
        return self._ack_rand

    def open(self, _packet: Packet) -> tuple[RootKey, str]:
        """There is none: END was the last packet."""
        raise UnexpectedError("suite paper has no OPEN")
