"""Suites: a suite is a set of functions, never a state machine (protocol.md 2).

``hybrid`` and ``loss`` share all but X25519. ``paper`` has packets of its own; ``find`` imports it when it is first used.
"""

import hashlib

from . import limits, x25519
from .crypto import counter_mode, expand, extract, hmac, lp, sha256, tag, u16, u32, xor

PAPER_ID = 0x00
LOSS_ID = 0x01
HYBRID_ID = 0x11
RAND_BYTES = 16
RANDOM_MESSAGE_BYTES = 20


def context(direction, epoch, seq):
    """Return ctx: d u8, epoch u32, i u32."""
    return bytes([direction]) + u32(epoch) + u32(seq)


class Loss:
    """The repaired scheme: packet loss alone, symmetric cryptography only."""

    suite_id = LOSS_ID
    name = "loss"
    paper = False
    max_body = limits.MAX_BODY
    max_keys = limits.MAX_KEYS
    store_bytes = 32  # SK_e
    uses_x25519 = False
    shows_code = False

    def public_key(self, secret):
        """Return what stands in pk of REQ and R1: zeros."""
        return x25519.NO_KEY

    def exchange(self, secret, peer):
        """DH: empty."""
        return b""

    def resume(self):
        """Return the machine of one resume."""
        from .resume import Resume  # noqa: PLC0415  # a small heap pays for it while it is needed

        return Resume()

    def random_message(self, seed, nonce, seq):
        """R_i: 20 bytes out of the broadcast's 32-byte seed."""
        return hmac(seed, b"SSC1 rand", nonce, u16(seq))[:RANDOM_MESSAGE_BYTES]

    def random_tag(self, nonce, seq, random):
        """tag_i: two bytes that name a random packet in RSP and TAGS."""
        return sha256(b"SSC1 tag", nonce, u16(seq), random)[:2]

    def pool_key(self, transcript, sid, numbers, random):
        """PL(S), formulas (6) and (7); ``numbers`` ascend, ``random(seq)`` is R. Nothing is kept: S may have 2,048 members."""
        digest = hashlib.sha256()
        digest.update(b"SSC1 pool" + transcript + u16(len(numbers)))
        for seq in numbers:
            number = u16(seq)
            digest.update(number + sha256(b"SSC1 pkt", bytes([sid]), number, random(seq)))
        return digest.digest()

    def root_secret(self, transcript, pool, shared, psk):
        """PRK, formula (8): of th_3 for RSP, of th_4 for all that follows."""
        return extract(transcript, lp(pool) + lp(shared) + lp(psk))

    def confirmation(self, prk, name):
        """K_rsp, K_ack, K_end or K_open, formulas (9) and (10); ``name`` is b"rsp" and so on."""
        return expand(prk, b"SSC1 " + name)

    def seal(self, chain, ctx, attempt, header, text):
        """Return C and T of a DATA frame, formulas (11) and (12)."""
        sealed = counter_mode(expand(chain, b"SSC1 enc" + ctx + bytes([attempt])), text)
        return sealed, tag(self.mac_key(chain, ctx), header, ctx, sealed)

    def open(self, chain, ctx, attempt, sealed):
        """Return the text of C, whose tag the caller has verified."""
        return counter_mode(expand(chain, b"SSC1 enc" + ctx + bytes([attempt])), sealed)

    def mac_key(self, chain, ctx):
        """K_H: kept for one more message to recognise a duplicate."""
        return expand(chain, b"SSC1 mac" + ctx)

    def data_tag(self, mac_key, header, ctx, sealed):
        """T of a DATA frame under K_H."""
        return tag(mac_key, header, ctx, sealed)

    def mask(self, chain, ctx, attempt, rand):
        """C_a from RandB, and RandB from C_a: a one-time pad of K_AE."""
        return xor(rand, expand(chain, b"SSC1 ackenc" + ctx + bytes([attempt]), RAND_BYTES))

    def acknowledge(self, chain, ctx, attempt, data_tag, masked):
        """T_a, formula (13): names the attempt that was accepted."""
        key = expand(chain, b"SSC1 ack" + ctx)
        return tag(key, b"A", ctx, bytes([attempt]), data_tag, masked)

    def step(self, chain, ctx, attempt, rand, rand_b, text, data_tag):
        """CK', formulas (14) and (15); ``text`` is type, id and body."""
        return hmac(chain, b"SSC1 step", ctx, bytes([attempt]), rand, rand_b, sha256(text), data_tag)


class Hybrid(Loss):
    """``loss`` with X25519 in the key and a six-digit code: the default."""

    suite_id = HYBRID_ID
    name = "hybrid"
    uses_x25519 = True
    shows_code = True

    def public_key(self, secret):
        """Return the X25519 public key of 32 secret bytes."""
        return x25519.public_key(secret)

    def exchange(self, secret, peer):
        """DH: 32 bytes; CryptoError when all zeros."""
        return x25519.exchange(secret, peer)


HYBRID = Hybrid()
LOSS = Loss()
SUITES = {HYBRID_ID: HYBRID, LOSS_ID: LOSS}


def find(suite_id):
    """Return a suite, or None for an unknown one; a firmware may leave the folder of ``paper`` out."""
    if suite_id == PAPER_ID and PAPER_ID not in SUITES:
        try:
            from .paper import PAPER  # noqa: PLC0415  # only who uses it pays for its memory
        except ImportError:
            return None
        SUITES[PAPER_ID] = PAPER
    return SUITES.get(suite_id)
