"""The answer to REQ: which suite, which bounds, and what both sides know after ACC (protocol.md 5 and 8)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from . import limits
from .agreement import Agreement, Basis, PaperAgreement
from .collection import Collection, StopRule
from .errors import Cause, MalformedError, NegotiationError
from .keys import DhKey, Transcript
from .packets import Acceptance, Frame, FrameType, Packet, PaperPacket, Request
from .suites import PAPER, Suite, all_without_dh, choose, offers_dh, paper
from .suites.paper_suite import WRAPPING_ENTROPY, unwrap_hashed, wrap
from .terms import Terms

_NO_KEY = bytes(limits.PUBLIC_KEY_SIZE)
_ADDRESS_MIN = 6  # bytes of the paper's MAC address


@dataclass(frozen=True, slots=True)
class Opening:
    """What REQ led to."""

    basis: Basis
    rule: StopRule
    answer: bytes  # ACC

    def agreement(self, collection: Collection, members: list[int], entropy: Callable[[int], bytes]) -> Agreement | PaperAgreement:
        """Return the second half of the negotiation, over a finished collection."""
        if self.basis.suite is PAPER:
            return PaperAgreement(self.basis, collection, members, entropy)
        return Agreement(self.basis, collection, members, entropy)


def read_request(packet: Packet) -> Request:
    """Return REQ in any suite's form; RemoteError if it is none."""
    if isinstance(packet, Frame):
        return Request.decode(packet)
    _, _, _, address = unwrap_hashed(packet)
    if not _ADDRESS_MIN <= len(address) <= limits.IDENTITY_SIZE:
        raise MalformedError("REQ does not tell an address")
    constants = (paper.sid_of(address), paper.N_MAX, paper.INTERVAL_MS, paper.WAIT_S)
    return Request(bytes([PAPER.id]), address.ljust(limits.IDENTITY_SIZE, b"\0"), b"", *constants, _NO_KEY)


def open_negotiation(packet: Packet, terms: Terms, entropy: Callable[[int], bytes]) -> Opening:
    """Answer REQ; NegotiationError if this device cannot get a key now, RemoteError if the packet does not fit."""
    request = read_request(packet)
    if isinstance(packet, Frame):
        _check_public_key(request)
    _check(request, terms)
    if isinstance(packet, PaperPacket):
        return _open_paper(request, terms, entropy)
    return _open(packet, request, terms, entropy)


def _check(request: Request, terms: Terms) -> None:
    if terms.expected_identity not in (None, request.id_i):
        raise NegotiationError(Cause.WRONG_DEVICE)
    if terms.keys_full():
        raise NegotiationError(Cause.BUSY)


def _open(frame: Frame, request: Request, terms: Terms, entropy: Callable[[int], bytes]) -> Opening:
    suite = _choose(request, terms)
    private = DhKey(entropy(limits.PUBLIC_KEY_SIZE)) if suite.has_dh else None
    dh = private.exchange(request.pk_i) if private else b""
    rule = replace(terms.rule, n_max=min(terms.rule.n_max, request.n_max))
    bounds = (rule.minimum, rule.target_bits, rule.assumed_loss, rule.n_max)
    n_r = entropy(limits.NONCE_SIZE)
    answer = Acceptance(suite.id, terms.hub_id, n_r, private.public if private else _NO_KEY, *bounds).encode()
    th_2 = Transcript().absorb(frame.authenticated).absorb(answer.authenticated).value
    return Opening(Basis(request, suite, dh, terms.psk, th_2), rule, answer.encode())


def _choose(request: Request, terms: Terms) -> Suite:
    suite = choose(request.suites, terms.floor)
    if suite is None:
        raise NegotiationError(Cause.SUITE_BELOW_FLOOR)
    if request.n_max < terms.rule.minimum:
        raise NegotiationError(Cause.TOO_FEW_PACKETS)
    return suite


def _check_public_key(request: Request) -> None:
    """MalformedError unless pk_I is zero exactly when no offered suite has X25519 (one that we do not know may have it)."""
    if offers_dh(request.suites) and request.pk_i == _NO_KEY:
        raise MalformedError("pk_I is missing")
    if all_without_dh(request.suites) and request.pk_i != _NO_KEY:
        raise MalformedError("pk_I without X25519")


def _open_paper(request: Request, terms: Terms, entropy: Callable[[int], bytes]) -> Opening:
    """Answer the paper's accept_pkt, if the user switched the paper profile on; never because a packet asks for it."""
    if terms.floor > PAPER.id:
        raise NegotiationError(Cause.SUITE_BELOW_FLOOR)
    rule = replace(terms.rule, minimum=paper.MINIMUM, n_max=paper.N_MAX, blacklists=True, coded_max=paper.CPR_MAX)
    packet, padded, _ = wrap(FrameType.ACC, 0, terms.hub_id, entropy(WRAPPING_ENTROPY))
    answer = PaperPacket(packet.type, paper.with_hash(padded))
    return Opening(Basis(request, PAPER, b"", b"", b""), rule, answer.encode())
