"""Faults and rules that a million steps must have seen: a zero there is a hole in the soak, and fails it.

Only what comes up dozens of times is listed; rarer refusals are printed when they come.
"""

from typing import Final

from custom_components.self_secure.protocol.packets import FrameType

from .air import TO_DEVICE, TO_HUB
from .power import DEVICE_POINTS, HUB_POINTS
from .profile import Profile

ENOUGH_STEPS: Final = 1_000_000

_EVERY_SUITE: Final = ("REQ", "ACC", "RSP", "ACK", "END", "NAK", "DATA", "DACK", "R0", "R1", "R2", "R3", "RNAK")
_REPAIRED: Final = ("OPEN", "TAGS")  # not in suite paper
_OLD: Final = ("DATA", "DACK", "R1", "R2", "R3")
_CODE_FAULTS: Final = (
    "user: never answers",
    "user: cancels instead of comparing",
    "user: different, although the codes are the same",
    "user: not_shown, although the codes are the same",
)

FAULTS: Final = (
    *(f"broadcast: {what}" for what in ("packet lost", "conflict", "forged for a missed number", "stray packet")),
    *(f"fragment {what}" for what in ("lost", "duplicated", "reordered", "truncated", "with a flipped bit", "of noise")),
    *(f"forged: {kind.name} to {way}" for kind in FrameType for way in (TO_HUB, TO_DEVICE)),
    *(f"{how}: {name}" for how in ("mutilated", "replayed") for name in _EVERY_SUITE),
    *(f"replayed: old {name}" for name in _OLD),
    "reflected",
    *(f"power cut: hub {point}" for point in HUB_POINTS),
    *(f"power cut: device {point}" for point in DEVICE_POINTS),
    "power cut: device, idle",
    "hub stopped in order",
    "hub's write slow",
    *(f"write failed: {side}" for side in (TO_HUB, TO_DEVICE)),
    "link dropped",
    "device out of reach",
    "clock jumped 24 h",
    "beacon forged",
    *(f"clone: {what}" for what in ("of the flash", "of the whole memory", "gone again")),
    *(f"restored: {side}" for side in (TO_HUB, TO_DEVICE)),
    *(f"user: {what}" for what in ("asks for a new epoch", "cancels the pairing", "pairs again", "presses the button only")),
    "queues filled",
    "hub's queue overfilled",
)
"""In every suite."""

_CAUSES: Final = ("cancelled", "no_ack", "no_request", "not_stored", "timeout", "too_few_packets")
_REASONS: Final = (
    *(f"{name}: {name} is not expected" for name in ("ACC", "END", "GROUP", "NAK", "R0", "R2", "RNAK", "RSP")),
    "DACK: DACK in state idle",
    "DACK: DACK without a chain",
    "DATA: DATA",
    "DATA: DATA without a chain",
    "R1: R1 in state idle",
    "R1: another R1 after the nonce was used",
    "R1: n_R",
    "R3: R3",
    "R3: R3 in state challenged",
    "R3: R3 in state idle",
    "RAND: a random packet of another broadcast",
    "REQ: asks too often",
    "garbage: unknown type",
)

RULES: Final = (
    *(f"sent: {name}" for name in _EVERY_SUITE),
    *(f"hub: MessageReceived {kind}" for kind in ("READINGS", "EVENT", "TEXT", "BYTES", "INFO")),
    "hub: MessageDelivered",
    "hub: MessageDelivered after retries",
    *(
        f"hub: {event}"
        for event in ("MessageDelayed", "MessageAbandoned", "PairingCompleted", "PairingRequested", "StoreFailed", "StaleKeyHinted")
    ),
    "hub: EpochStarted by pairing",
    "hub: EpochStarted by resume",
    "hub: ResumeFailed no_common_epoch",
    "hub: ResumeFailed unanswered",
    *(f"hub: PairingFailed {cause}" for cause in _CAUSES),
    *(f"hub drops {reason}" for reason in _REASONS),
    *(f"hub refuses: {error}" for error in ("MessageTooLargeError", "QueueFullError")),
    *(f"device drops: {reason}" for reason in ("malformed", "out of state", "wrong MAC")),
    *(f"device refuses: {reason}" for reason in ("message too long", "not paired", "queue full")),
    *(f"device: {event}" for event in ("bytes", "text", "delivered", "undelivered", "paired", "resumed", "resume_refused")),
    *(f"device: pairing_failed {cause}" for cause in ("cancelled", "conflicts", "no RSP", "refused", "timeout", "too few packets")),
    "device: error cannot store: flash worn out",
    "apart: again after a crash or a restored storage",
    "apart: at most once, its receiver ended before it acted",
    "calm",
)
"""In every suite."""

_REPAIRED_RULES: Final = (
    *(f"sent: {name}" for name in _REPAIRED),
    "hub: CloneSuspected",
    "device: possible_clone",
    "hub: PairingFailed no_open, suspicious",
    "hub: PairingFailed low_secrecy",
    "hub: PairingFailed conflicts",
    "hub drops DACK: DACK for another message",
    "hub drops DATA: another message number",
)
_CODE_RULES: Final = (
    "hub: CodeReady",
    "device: code",
    *(f"user says: {verdict}" for verdict in ("same", "different", "not_shown")),
    *(f"hub: PairingFailed {cause}, suspicious" for cause in ("different_code", "no_answer", "cancelled")),
)


def expected(profile: Profile) -> tuple[list[str], list[str]]:
    """Return the faults and the rules that this profile must have seen after `ENOUGH_STEPS`."""
    faults, rules = list(FAULTS), list(RULES)
    if profile.suite != "paper":
        faults += [f"{how}: {name}" for how in ("mutilated", "replayed") for name in _REPAIRED]
        rules += _REPAIRED_RULES
    if profile.shows_code:
        faults += _CODE_FAULTS
        rules += _CODE_RULES
    return faults, rules
