"""What a long run of this soak must have seen, and its report."""

from typing import Final

from experiments.soak.power import DEVICE_POINTS, HUB_POINTS
from experiments.soak.report import verdict
from experiments.soak.reuse import Reuse

from .driver import Driver
from .faults import FRAGMENTS
from .meddler import DEEDS

ENOUGH_STEPS: Final = 1_000_000  # as in the direct case: in 200,000 a rare deed may not meet a rare type

FAULTS: Final = (
    *(f"fragment {what}" for what in FRAGMENTS),
    *(f"{how}: {name}" for how in ("forged", "mutilated", "replayed") for name in ("DATA", "DACK", "R0", "R1", "R2", "R3")),
    *(f"relay {deed}" for deed in DEEDS if deed not in ("flips", "drops")),
    *(f"relay {deed}: {name}" for deed in ("flips", "drops") for name in ("DATA", "DACK", "R0", "R1", "R2", "R3")),
    *(f"power cut: hub {point}" for point in HUB_POINTS[:-1]),
    *(f"power cut: {kind} {point}" for kind in ("far device", "relay") for point in DEVICE_POINTS),
    *(f"without power: {kind}" for kind in ("far device", "relay")),
    *(f"write failed: {kind}" for kind in ("far device", "relay")),
    *(f"user: resets a {kind}" for kind in ("far device", "relay")),
    *(f"user: {what}" for what in ("pairs again", "asks for a new epoch", "never answers", "cancels instead of comparing")),
    "user: different, although the codes are the same",
    "hub killed, idle",
    "link dropped",
    "somebody moves",
    "clock jumped 24 h",
    "beacon forged",
)

RULES: Final = (
    *(f"hub: {kind} of {who}" for kind in ("TEXT", "BYTES", "READINGS", "EVENT") for who in ("far device", "relay")),
    *(f"hub: delivered to {who}" for who in ("far device", "relay")),
    *(f"hub: EpochStarted {how} with {who}" for how in ("by pairing", "by resume") for who in ("far device", "relay")),
    *(f"{who}: {kind}" for who in ("far device", "relay") for kind in ("text", "bytes", "delivered", "paired", "resumed")),
    *(f"relay: {kind}" for kind in ("adopted", "route_opened", "route_closed", "neighbour", "neighbour_lost")),
    "far device: carried",
    "relay drops: not for a relay",
    "relay drops: no path",
    "hub: PairingCompleted",
    "hub: CodeReady",
    *(f"calm without relay {name}" for name in ("b", "d")),
)


def report(driver: Driver, reuse: Reuse, violation: str | None) -> tuple[list[str], bool]:
    """Return the lines to print, and whether all is well."""
    driver.note_counters()
    counts = driver.counts
    zeros = [name for name in FAULTS if not counts.faults[name]] + [name for name in RULES if not counts.rules[name]]
    lines, passed = verdict(counts, reuse, violation, zeros, ENOUGH_STEPS)
    lines.insert(-2, f"{driver.secrets.looks} searches of a relay's memory, storage and log for keys and texts of others")
    return lines, passed
