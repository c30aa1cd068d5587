"""What is legal when: (state, packet) → the handler's name, one table per machine.

A packet that is not in its machine's table is dropped and counted, and changes nothing. A byte-identical repeat of an
accepted negotiation packet never reaches the table: it gets the stored answer (protocol.md 5, rule 10).
"""

from . import frames
from .errors import StateError

# The negotiation, one per responder
REQUESTED = "requested"  # REQ is out, the user of R is being asked
BROADCASTING = "broadcasting"  # random packets are on the air, RSP is awaited
TAGGING = "tagging"  # RSP's MAC was wrong: R's tags are being read
ACKNOWLEDGED = "acknowledged"  # ACK is out, END is awaited
OPENED = "opened"  # OPEN is out, R's user compares
ENDED = "ended"

NEGOTIATION = {
    (REQUESTED, frames.ACC): "accepted",
    (REQUESTED, frames.NAK): "refused",
    (BROADCASTING, frames.RSP): "responded",
    (BROADCASTING, frames.NAK): "refused",
    (TAGGING, frames.TAGS): "tagged",
    (TAGGING, frames.NAK): "refused",
    (ACKNOWLEDGED, frames.END): "confirmed",
    (ACKNOWLEDGED, frames.NAK): "refused",
}

# The communication with one hub; ``group.py`` adds its own rows when it is loaded
NO_CHAIN = "no chain"
RUNNING = "running"
FROZEN = "frozen"  # a message was not acknowledged Ω times; a late acknowledgement still counts
RESUMING = "resuming"  # R1 is out: only R2 (or the end of the resume) until it verifies or the link drops

PEER = {
    (NO_CHAIN, frames.R0): "hello",
    (RUNNING, frames.R0): "hello",
    (RUNNING, frames.DATA): "data",
    (RUNNING, frames.DACK): "acknowledgement",
    (FROZEN, frames.R0): "hello",
    (FROZEN, frames.DATA): "data",
    (FROZEN, frames.DACK): "acknowledgement",
    (RESUMING, frames.R0): "hello",
    (RESUMING, frames.R2): "new_epoch",
    (RESUMING, frames.RNAK): "no_epoch",
}


def handler(table, state, kind):
    """Return the handler's name; StateError when the table has no such row."""
    name = table.get((state, kind))
    if name is None:
        raise StateError(state)
    return name
