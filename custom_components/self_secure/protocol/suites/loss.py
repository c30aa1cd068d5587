"""Suite `loss`: packet loss alone, symmetric cryptography only (protocol.md 5 and 6)."""

from collections.abc import Iterable
import struct
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from .. import limits
from ..errors import MalformedError
from ..keys import ChainKey, ConfirmationKey, RootKey, digest, expand, extract, lp, mac, verify
from ..packets import FrameType
from .suite import Confirmation

_HEADER: Final = struct.Struct(">BBHI")
_U16: Final = struct.Struct(">H")
_COUNTER_0: Final = bytes(16)
_SEQ: Final = slice(5, 9)  # message number inside the context


class LossSuite:
    """The functions of suite 0x01; the hybrid suite differs by the DH input alone."""

    id = 0x01
    name = "loss"
    has_dh = False

    def pool(self, th_2: bytes, sid: int, packets: Iterable[tuple[int, bytes]]) -> bytes:
        """PL(S) = H("SSC1 pool" || th_2 || u16 |S| || for i: u16 i || h_i), h_i = H("SSC1 pkt" || sid || u16 i || R_i)."""
        parts = [_U16.pack(seq) + digest(b"SSC1 pkt" + bytes([sid]) + _U16.pack(seq) + value) for seq, value in packets]
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

    def mac_key(self, chain: ChainKey, context: bytes) -> bytes:
        """K_H = Exp(CK, "SSC1 mac" || ctx)."""
        return expand(chain.raw, b"SSC1 mac" + context)

    def seal(self, chain: ChainKey, context: bytes, attempt: int, rand: bytes, text: bytes) -> tuple[bytes, bytes]:
        """C = AES-256-CTR(K_E)(Rand || text), T = HM(K_H, header || ctx || C)[:16]; K_E depends on the attempt."""
        sealed = self._crypt(chain, context, attempt, rand + text)
        header = _HEADER.pack(FrameType.DATA, attempt, len(sealed), int.from_bytes(context[_SEQ]))
        tag = mac(self.mac_key(chain, context), header + context + sealed)[: limits.MAC_SIZE]
        return header + sealed + tag, tag

    def open(self, chain: ChainKey, context: bytes, attempt: int, message: bytes) -> tuple[bytes, bytes]:
        """Invert `seal` for a verified C; MalformedError if type and id are missing."""
        plain = self._crypt(chain, context, attempt, message)
        if len(plain) < limits.NONCE_SIZE + 9:
            raise MalformedError("no type and id")
        return plain[: limits.NONCE_SIZE], plain[limits.NONCE_SIZE :]

    def acknowledge(self, chain: ChainKey, context: bytes, attempt: int, tag: bytes, rand_b: bytes) -> bytes:
        """C_a = RandB xor K_AE[:16]; T_a = HM(K_A, "A" || ctx || r || T || C_a)[:16]."""
        sealed = self._pad(chain, context, attempt, rand_b)
        header = _HEADER.pack(FrameType.DACK, attempt, len(sealed), int.from_bytes(context[_SEQ]))
        return header + sealed + self._dack_tag(chain, context, attempt, tag, sealed)

    def accept(self, chain: ChainKey, context: bytes, attempt: int, tag: bytes, message: bytes, received_tag: bytes) -> bytes:
        """Verify T_a and return RandB = C_a xor K_AE[:16]."""
        if len(message) != limits.NONCE_SIZE:
            raise MalformedError("DACK has 16 bytes")
        verify(self._dack_tag(chain, context, attempt, tag, message), received_tag, "DACK")
        return self._pad(chain, context, attempt, message)

    def step(self, chain: ChainKey, context: bytes, attempt: int, randoms: bytes, text: bytes, tag: bytes) -> ChainKey:
        """CK' = HM(CK, "SSC1 step" || ctx || r || Rand_r || RandB || H(text) || T_r)."""
        return ChainKey(mac(chain.raw, b"SSC1 step" + context + bytes([attempt]) + randoms + digest(text) + tag))

    def _crypt(self, chain: ChainKey, context: bytes, attempt: int, data: bytes) -> bytes:
        key = expand(chain.raw, b"SSC1 enc" + context + bytes([attempt]))
        return Cipher(AES256(key), CTR(_COUNTER_0)).encryptor().update(data)

    def _pad(self, chain: ChainKey, context: bytes, attempt: int, data: bytes) -> bytes:
        pad = expand(chain.raw, b"SSC1 ackenc" + context + bytes([attempt]), limits.NONCE_SIZE)
        return (int.from_bytes(data) ^ int.from_bytes(pad)).to_bytes(limits.NONCE_SIZE)

    def _dack_tag(self, chain: ChainKey, context: bytes, attempt: int, tag: bytes, sealed: bytes) -> bytes:
        key = expand(chain.raw, b"SSC1 ack" + context)
        return mac(key, b"A" + context + bytes([attempt]) + tag + sealed)[: limits.MAC_SIZE]
