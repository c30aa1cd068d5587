"""Suite `hybrid`, the default: `loss` with X25519 in every key and the six-digit code (protocol.md 2)."""

from .loss import LossSuite


class HybridSuite(LossSuite):
    """The functions of suite 0x11."""

    id = 0x11
    name = "hybrid"
    has_dh = True
    finishes_short = True
