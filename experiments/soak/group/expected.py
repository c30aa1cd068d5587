"""Faults and rules that a long run of a house must have seen."""

from typing import Final

ENOUGH_STEPS: Final = 200_000

FAULTS: Final = (
    *(f"group: {what}" for what in ("joined", "left", "loaded anew", "burst")),
    *(f"group: {what}" for what in ("carried to a member", "carried to an outsider", "spoiled", "forged", "command of a member")),
    *(f"power cut: group {point}" for point in ("before write", "after write")),
    "power cut: hub, idle",
    "write failed: group",
    "group's write slow",
    "restored: group",
)

RULES: Final = (
    "sent: GROUP",
    *(f"hub: {event}" for event in ("GroupSettled", "GroupKeyed", "GroupSynced")),
    *(f"group: {what}" for what in ("version begun", "acted", "reached all", "NotWrittenError")),
    *(f"group: missed, {what}" for what in ("but acted on", "and not acted on")),
    "calm",
)
