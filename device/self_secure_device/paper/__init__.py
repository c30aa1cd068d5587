"""Suite 0x00 ``paper``: formulas (1) to (15) as protocol.md 8 resolves them, for research and fidelity.

A folder of its own: a maker leaves it out of a firmware, and ``suites.find`` imports it only when the suite is used.
"""

from . import chains, packets


class Paper:
    """The suite as the core sees it: its bounds, packets and machines."""

    suite_id = 0x00
    name = "paper"
    paper = True
    uses_x25519 = False
    shows_code = False
    max_body = packets.MAX_BODY
    max_keys = chains.MAX_KEYS
    store_bytes = chains.STORE_BYTES

    def decode(self, raw):
        """Read what stands behind a first byte with bit 7 set; FrameError or TagError."""
        return packets.decode(raw)

    def resume(self):
        """Return the machine of one resume."""
        from .resume import PaperResume  # noqa: PLC0415  # as in the other suites

        return PaperResume()

    def save(self, store, saved):
        """Return the stored W-round keys with the one that a chain has just reached."""
        return chains.save(store, saved)


PAPER = Paper()
