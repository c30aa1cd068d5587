"""A tiny scripted hub out of the device's own primitives: it says exactly what a test tells it to say."""

from collections.abc import Mapping, Sequence

from self_secure_device import frames, keys, sets, suites
from self_secure_device.crypto import equal, number, tag, u16, u32
from self_secure_device.session import TO_INITIATOR, TO_RESPONDER, Receiver, Sender


class Responder:
    """R of protocol.md 5 for one negotiation; every value it sends is given."""

    def __init__(self, identity: bytes, nonce: bytes, secret: bytes, r_r: bytes, suite_id: int = 0x11, psk: bytes = b"") -> None:
        self.identity = identity
        self.suite = suites.SUITES[suite_id]
        self.random: dict[int, bytes] = {}
        self._nonce, self._secret, self._r_r, self._psk = nonce, secret, r_r, psk
        self.members: list[int] = []
        self.transcript = keys.transcript_start()
        self.prk = b""
        self.code = ""
        self.root = b""
        self.commitment = b""
        self.shared = b""
        self.request_nonce = b""
        self.sid = 0

    def _extend(self, head: bytes) -> None:
        self.transcript = keys.transcript_add(self.transcript, head)

    def accept(self, request: bytes, minimum: int = 20, target: int = 64, loss: int = 20, n_max: int = 2048, *, role: bytes = b"") -> bytes:
        """Take REQ, return ACC; a relay's ends in its `role`."""
        message = request[frames.HEADER_BYTES :]
        at = 1 + message[0] + 16
        self.request_nonce, self.sid, public = message[at : at + 16], message[at + 16], message[-32:]
        self._extend(request)
        own = self.suite.public_key(self._secret)
        text = (
            bytes([self.suite.suite_id])
            + self.identity
            + self._nonce
            + own
            + u16(minimum)
            + u16(target)
            + bytes([loss])
            + u16(n_max)
            + role
        )
        head: bytes = frames.encode_head(frames.ACC, text)
        self._extend(head)
        self.pool_transcript = self.transcript
        self.shared = self.suite.exchange(self._secret, public)
        return head

    def pool(self, numbers: Sequence[int]) -> bytes:
        """PL of a set."""
        key: bytes = self.suite.pool_key(self.pool_transcript, self.sid, numbers, self.random.__getitem__)
        return key

    def _root_secret(self, numbers: Sequence[int]) -> bytes:
        key: bytes = self.suite.root_secret(self.transcript, self.pool(numbers), self.shared, self._psk)
        return key

    def tag_of(self, seq: int, random: bytes) -> bytes:
        """tag_i."""
        value: bytes = self.suite.random_tag(self.request_nonce, seq, random)
        return value

    def respond(self, numbers: Sequence[int], conflicts: Mapping[int, Sequence[bytes]] | None = None) -> bytes:
        """Return RSP for S and the tags of the conflicting packets."""
        self.members = list(numbers)
        self.conflicts = dict(conflicts or {})
        listed = b"".join(u16(seq) + bytes([len(tags)]) + b"".join(tags) for seq, tags in sorted(self.conflicts.items()))
        head = frames.encode_head(frames.RSP, sets.encode(self.members) + bytes([len(self.conflicts)]) + listed)
        self._extend(head)
        key = self.suite.confirmation(self._root_secret(self.members), b"rsp")
        return bytes(head + tag(key, self.transcript))

    def tags(self, request: bytes) -> bytes:
        """Answer one TAGS request."""
        self._extend(request)
        page = frames.decode(request).seq
        part = self.members[450 * page : 450 * page + 450]
        head: bytes = frames.encode_head(frames.TAGS, b"".join(self.tag_of(seq, self.random[seq]) for seq in part), seq=page)
        self._extend(head)
        return head

    def confirm(self, ack: bytes, agreed: Sequence[int] | None = None) -> bytes:
        """Check ACK's MAC over S' (or ``agreed``), return END."""
        frame = frames.decode(ack)
        numbers, end = sets.decode(frame.message)
        self.choices = frame.message[end:-32]
        self.commitment = frame.message[-32:]
        self.at_commitment = self.transcript
        self._extend(frame.head)
        self.agreed = list(agreed if agreed is not None else numbers)
        self.prk = self._root_secret(self.agreed)
        assert equal(tag(self.suite.confirmation(self.prk, b"ack"), self.transcript), frame.mac)
        self.at_code = self.transcript
        head = frames.encode_head(frames.END, self._r_r)
        self._extend(head)
        return bytes(head + tag(self.suite.confirmation(self.prk, b"end"), self.transcript))

    def finish(self, opened: bytes) -> None:
        """Check OPEN; take the code and RK_0."""
        frame = frames.decode(opened)
        self._extend(frame.head)
        assert equal(tag(self.suite.confirmation(self.prk, b"open"), self.transcript), frame.mac)
        assert keys.commitment(frame.message, self.at_commitment) == self.commitment
        self.code = keys.code(frame.message, self._r_r, self.at_code)
        self.root = keys.root_key(self.prk, self.transcript)


class HubSession:
    """Both chains of an epoch from the hub's side."""

    def __init__(self, suite: object, epoch: int, root: bytes) -> None:
        self.epoch = epoch
        self.store: bytes = keys.store_key(root)
        self.sender = Sender(suite, TO_INITIATOR, epoch, keys.chain_key(root, TO_INITIATOR))
        self.receiver = Receiver(suite, TO_RESPONDER, epoch, keys.chain_key(root, TO_RESPONDER))

    @property
    def chains(self) -> tuple[bytes, bytes]:
        """CK^0 and CK^1."""
        return (self.receiver.chain, self.sender.chain)


class Renewer:
    """R of one resume: R0, R2, and the check of R3."""

    def __init__(self, identity: bytes, nonce: bytes, secret: bytes) -> None:
        self.hello: bytes = frames.encode_head(frames.R0, nonce + identity)
        self._secret = secret
        self.root = b""
        self.epoch = 0

    def renew(
        self,
        r1: bytes,
        held: Mapping[int, bytes],
        suite_id: int = 0x11,
        chains: tuple[bytes, bytes] | None = None,
        old_epoch: int | None = None,
    ) -> bytes:
        """Take R1, pick the first common entry of ``held`` (epoch → SK_e), return R2."""
        frame = frames.decode(r1)
        listed = [frame.message[at : at + 8] for at in range(33, len(frame.message) - 64, 8)]
        epochs = [number(entry[:4]) for entry in listed]
        common = [number(entry[:4]) for entry in listed if keys.key_id(held.get(number(entry[:4]), b"")) == entry[4:]]
        old = common[0] if old_epoch is None else old_epoch
        self.epoch = max(epochs + list(held)) + 1
        suite = suites.SUITES[suite_id]
        public = suite.public_key(self._secret)
        own = keys.live_digest(chains) if chains is not None else keys.NO_LIVE
        same = chains is not None and own == frame.message[-64:-32]
        live = keys.live_key(chains) if same else b""
        self.transcript = keys.resume_transcript(frame.head, old, self.epoch, own, public)
        shared = suite.exchange(self._secret, frame.message[-32:])
        self.root = keys.next_root(self.transcript, held[old], shared, live, self.epoch)
        head = frames.encode_head(frames.R2, u32(old) + u32(self.epoch) + own + public)
        return bytes(head + tag(keys.finish_key(self.root), b"R2", self.transcript))

    def check(self, r3: bytes) -> bool:
        """Whether R3 confirms the new root."""
        frame = frames.decode(r3)
        good: bool = frame.kind == frames.R3 and equal(tag(keys.finish_key(self.root), b"R3", self.transcript), frame.mac)
        return good
