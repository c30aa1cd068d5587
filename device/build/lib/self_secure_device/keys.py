"""Keys of an epoch, and of the transcripts that lead to one (protocol.md 5 and 7).

All are 32 bytes but for the key id. Only SK_e, the store key, may ever reach a disk.
"""

from .crypto import expand, extract, hmac, lp, number, sha256, u32

CODE_DIGITS = 1000000
KEY_ID_BYTES = 4
NO_LIVE = bytes(32)  # live_X of a side without chains of that epoch


def transcript_start():
    """th_0."""
    return sha256(b"SSC1 v1")


def transcript_add(transcript, head):
    """th_k: the transcript with one more frame (without its MAC)."""
    return sha256(transcript, lp(head))


def commitment(secret, transcript):
    """c_I: binds r_I before r_R is known."""
    return sha256(b"SSC1 commit", secret, transcript)


def code(r_i, r_r, transcript):
    """Return the six digits that the user compares; ``transcript`` is th_4."""
    return "%06d" % (number(hmac(r_i + r_r, b"SSC1 sas", transcript)[:8]) % CODE_DIGITS)


def root_key(prk, transcript):
    """RK_0; ``transcript`` is th_6."""
    return expand(prk, b"SSC1 root" + transcript)


def chain_key(root, direction):
    """CK_0 of direction 0 (initiator to responder) or 1."""
    return expand(root, b"SSC1 chain" + bytes([direction]))


def store_key(root):
    """SK_e, the paper's W-round key."""
    return expand(root, b"SSC1 store")


def finish_key(root):
    """FK_e: the MACs of R2 and R3."""
    return expand(root, b"SSC1 fin")


def key_id(store):
    """kid_e: four bytes that name SK_e."""
    return expand(store, b"SSC1 kid", KEY_ID_BYTES)


def resume_key(store):
    """Return the key of this entry's MAC in R1."""
    return expand(store, b"SSC1 res auth")


def live_digest(chains):
    """live_X of the two present chain keys."""
    return sha256(b"SSC1 live", *chains)


def live_key(chains):
    """``live``: the chain keys' contribution to the next root, never sent."""
    return sha256(b"SSC1 live key", *chains)


def resume_transcript(head, old_epoch, epoch, live, public):
    """Return th of a resume; ``head`` is R1 without its MACs, ``live`` and ``public`` are R's."""
    return sha256(b"SSC1 resume", head, u32(old_epoch), u32(epoch), live, public)


def next_root(transcript, store, shared, live, epoch):
    """RK_e' of a resume."""
    return extract(transcript, lp(store) + lp(shared) + lp(live) + u32(epoch))
