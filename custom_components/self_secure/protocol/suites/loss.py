"""Suite `loss`: packet loss alone, symmetric cryptography only (protocol.md 5 and 6)."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
import hmac
import struct
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from .. import limits
from ..errors import MalformedError, UnexpectedError
from ..keys import ChainKey, ConfirmationKey, RootKey, digest, expand, extract, lp, mac, verify
from ..packets import Frame, FrameType, Packet
from .suite import Confirmation, Opened, Sealed

_HEADER: Final = struct.Struct(">BBH")  # Phase, Retran, Len; Seq stands in the context
_DATA: Final = FrameType.DATA.value
_DACK: Final = FrameType.DACK.value
_U16: Final = struct.Struct(">H")
_COUNTER_0: Final = CTR(bytes(16))
_SEQ: Final = slice(5, 9)  # message number inside the context


def _seq(context: bytes) -> int:
    return int.from_bytes(context[_SEQ])


class LossSuite:
    """The functions of suite 0x01; the hybrid suite differs by the DH input alone."""

    id = 0x01
    name = "loss"
    has_dh = False
    finishes_short = False
    has_rounds = False
    body_max = limits.BODY_MAX
    data_entropy = limits.NONCE_SIZE  # Rand
    dack_entropy = limits.NONCE_SIZE  # RandB

    def pool(self, th_2: bytes, sid: int, packets: Iterable[tuple[int, bytes]]) -> bytes:
        """PL(S) = H("SSC1 pool" || th_2 || u16 |S| || for i: u16 i || h_i), h_i = H("SSC1 pkt" || sid || u16 i || R_i)."""
        label, pack = b"SSC1 pkt" + bytes([sid]), _U16.pack
        parts = [(number := pack(seq)) + sha256(label + number + value).digest() for seq, value in packets]
        return digest(b"SSC1 pool" + th_2 + _U16.pack(len(parts)) + b"".join(parts))

    def response_key(self, th_3: bytes, pool: bytes, dh: bytes, psk: bytes) -> ConfirmationKey:
        """K_rsp = Exp(Ext(th_3, lp(PL(S)) || lp(DH) || lp(PSK)), "SSC1 rsp")."""
        return ConfirmationKey(expand(extract(th_3, lp(pool) + lp(dh) + lp(psk)), b"SSC1 rsp"))

    def confirm(self, th_4: bytes, pool: bytes, dh: bytes, psk: bytes) -> Confirmation:
        """PRK = Ext(th_4, lp(PL(S')) || lp(DH) || lp(PSK)); K_ack, K_end, K_open = Exp(PRK, ...)."""
        prk = extract(th_4, lp(pool) + lp(dh) + lp(psk))
        ack, end, opening = (ConfirmationKey(expand(prk, label)) for label in (b"SSC1 ack", b"SSC1 end", b"SSC1 open"))
        return Confirmation(ack, end, opening, prk)

    def root(self, confirmation: Confirmation, th_6: bytes) -> RootKey:
        """RK_0 = Exp(PRK, "SSC1 root" || th_6)."""
        return RootKey(expand(confirmation.prk, b"SSC1 root" + th_6))

    def seal(self, chain: ChainKey, context: bytes, attempt: int, entropy: bytes, text: bytes) -> Sealed:
        """C = AES-256-CTR(K_E)(Rand || text), T = HM(K_H, header || ctx || C)[:16]; K_E depends on the attempt."""
        sealed = _crypt(chain, context + attempt.to_bytes(), entropy + text)
        header = _HEADER.pack(_DATA, attempt, len(sealed)) + context[_SEQ]
        tag = mac(chain.expand(b"SSC1 mac" + context), header + context + sealed)[: limits.MAC_SIZE]
        return Sealed(header + sealed + tag, entropy, tag)

    def open(self, chain: ChainKey, context: bytes, packet: Packet) -> Opened:
        """Invert `seal`: the tag is verified before anything is read."""
        if not isinstance(packet, Frame) or packet.seq != _seq(context):
            raise UnexpectedError("another message number")
        mac_key = chain.expand(b"SSC1 mac" + context)
        verify(_data_tag(mac_key, context, packet), packet.mac, "DATA")
        plain = _crypt(chain, context + packet.retran.to_bytes(), packet.message)
        if len(plain) < limits.NONCE_SIZE + limits.TEXT_MIN:
            raise MalformedError("no type and id")
        return Opened(packet.retran, plain[: limits.NONCE_SIZE], plain[limits.NONCE_SIZE :], packet.mac, mac_key)

    def recognises(self, evidence: bytes, context: bytes, packet: Packet) -> bool:
        """T verifies under the kept K_H."""
        if not isinstance(packet, Frame) or packet.seq != _seq(context):
            return False
        return hmac.compare_digest(_data_tag(evidence, context, packet), packet.mac)

    def acknowledge(self, chain: ChainKey, context: bytes, opened: Opened, entropy: bytes) -> tuple[bytes, bytes]:
        """C_a = RandB xor K_AE[:16]; T_a = HM(K_A, "A" || ctx || r || T || C_a)[:16]."""
        accepted = context + opened.attempt.to_bytes()
        sealed = _mask(chain, accepted, entropy)
        header = _HEADER.pack(_DACK, opened.attempt, limits.NONCE_SIZE) + context[_SEQ]
        return header + sealed + _dack_tag(chain, context, accepted + opened.tag + sealed), entropy

    def accept(self, chain: ChainKey, context: bytes, tags: Sequence[bytes], packet: Packet) -> tuple[int, bytes]:
        """Verify T_a for the attempt that it names; RandB = C_a xor K_AE[:16]."""
        if not isinstance(packet, Frame) or packet.seq != _seq(context) or packet.retran >= len(tags):
            raise UnexpectedError("DACK for another message")
        if len(packet.message) != limits.NONCE_SIZE:
            raise MalformedError("DACK has 16 bytes")
        accepted = context + packet.retran.to_bytes()
        expected = _dack_tag(chain, context, accepted + tags[packet.retran] + packet.message)
        verify(expected, packet.mac, "DACK")
        return packet.retran, _mask(chain, accepted, packet.message)

    def step(self, chain: ChainKey, context: bytes, attempt: int, randoms: bytes, text: bytes, tag: bytes) -> ChainKey:
        """CK' = HM(CK, "SSC1 step" || ctx || r || Rand_r || RandB || H(text) || T_r)."""
        return ChainKey(chain.mac(b"SSC1 step" + context + attempt.to_bytes() + randoms + digest(text) + tag))


def _data_tag(mac_key: bytes, context: bytes, packet: Frame) -> bytes:
    """T of a DATA frame; K_H = Exp(CK, "SSC1 mac" || ctx)."""
    return mac(mac_key, packet.header + context + packet.message)[: limits.MAC_SIZE]


def _crypt(chain: ChainKey, attempt: bytes, data: bytes) -> bytes:
    """AES-256-CTR(K_E) of `data`, K_E = Exp(CK, "SSC1 enc" || ctx || r); `attempt` = ctx || r."""
    return Cipher(AES256(chain.expand(b"SSC1 enc" + attempt)), _COUNTER_0).encryptor().update(data)


def _mask(chain: ChainKey, attempt: bytes, rand_b: bytes) -> bytes:
    """RandB or C_a xor K_AE[:16], K_AE = Exp(CK, "SSC1 ackenc" || ctx || r)."""
    pad = chain.expand(b"SSC1 ackenc" + attempt)[: limits.NONCE_SIZE]
    return (int.from_bytes(rand_b) ^ int.from_bytes(pad)).to_bytes(limits.NONCE_SIZE)


def _dack_tag(chain: ChainKey, context: bytes, named: bytes) -> bytes:
    """T_a = HM(K_A, "A" || `named`)[:16], K_A = Exp(CK, "SSC1 ack" || ctx); `named` = ctx || r || T || C_a."""
    return mac(chain.expand(b"SSC1 ack" + context), b"A" + named)[: limits.MAC_SIZE]
