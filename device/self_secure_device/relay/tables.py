"""What is legal when for a relay as responder: (state, packet) → the handler's name, as in ``tables.py`` of the device."""

from .. import frames

# The negotiation with a device that is adopted
WAITING = "waiting"  # for REQ
COLLECTING = "collecting"  # random packets
RESPONDED = "responded"  # RSP is made, ACK is awaited
ENDED = "ended"  # END is made, OPEN is awaited
DONE = "done"
FAILED = "failed"

NEGOTIATION = {
    (WAITING, frames.REQ): "requested",
    (COLLECTING, frames.RAND): "heard",
    (RESPONDED, frames.TAGS): "tagged",
    (RESPONDED, frames.ACK): "acknowledged",
    (ENDED, frames.OPEN): "opened",
}

# The hop to a ward
IDLE = "idle"
CHALLENGED = "challenged"  # R0 is out, R1 is awaited; nothing of ours goes before the resume is complete
ANSWERED = "answered"  # R2 is out, R3 is awaited

HOP = {
    (IDLE, frames.DATA): "data",
    (IDLE, frames.DACK): "acknowledgement",
    (CHALLENGED, frames.DATA): "data",
    (CHALLENGED, frames.DACK): "acknowledgement",
    (CHALLENGED, frames.R1): "offer",
    (ANSWERED, frames.R1): "repeated_offer",
    (ANSWERED, frames.R3): "finish",
}
