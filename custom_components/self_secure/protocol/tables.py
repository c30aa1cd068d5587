"""Legality in one place: one table per machine, (state, packet) -> (handler, next states).

What is not in a table is an error that changes nothing (architecture.md). The handlers are methods of the machine's class.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from .errors import UnexpectedError
from .packets import FrameType


class NegotiationState(StrEnum):
    """The responder in a negotiation (protocol.md 5)."""

    WAITING = "waiting"  # for REQ
    COLLECTING = "collecting"  # random packets
    RESPONDED = "responded"  # RSP is made, ACK is awaited
    ENDED = "ended"  # END is made, OPEN is awaited
    COMPARING = "comparing"  # the user looks at the code
    DONE = "done"
    FAILED = "failed"


class SenderState(StrEnum):
    """One sending chain (protocol.md 6)."""

    IDLE = "idle"
    OUTSTANDING = "outstanding"  # one message waits for its DACK
    FROZEN = "frozen"  # no attempt left: the next contact resumes


class ResumeState(StrEnum):
    """The responder in a resume (protocol.md 7)."""

    IDLE = "idle"
    CHALLENGED = "challenged"  # R0 left, R1 is awaited
    ANSWERED = "answered"  # R2 is made, R3 is awaited


type Row[S: StrEnum] = tuple[str, frozenset[S]]
type Table[S: StrEnum] = Mapping[tuple[S, FrameType], Row[S]]

_N, _S, _R = NegotiationState, SenderState, ResumeState

NEGOTIATION: Final[Table[NegotiationState]] = {
    (_N.WAITING, FrameType.REQ): ("on_request", frozenset({_N.COLLECTING, _N.FAILED})),
    (_N.COLLECTING, FrameType.RAND): ("on_random", frozenset({_N.COLLECTING, _N.RESPONDED, _N.FAILED})),
    (_N.RESPONDED, FrameType.TAGS): ("on_tags", frozenset({_N.RESPONDED})),
    (_N.RESPONDED, FrameType.ACK): ("on_ack", frozenset({_N.ENDED, _N.DONE, _N.FAILED})),  # DONE: suite paper has no OPEN
    (_N.ENDED, FrameType.OPEN): ("on_open", frozenset({_N.COMPARING, _N.DONE})),
}

COMMUNICATION: Final[Table[SenderState]] = {
    (_S.IDLE, FrameType.DATA): ("on_data", frozenset({_S.IDLE})),
    (_S.OUTSTANDING, FrameType.DATA): ("on_data", frozenset({_S.OUTSTANDING})),
    (_S.FROZEN, FrameType.DATA): ("on_data", frozenset({_S.FROZEN})),
    (_S.OUTSTANDING, FrameType.DACK): ("on_dack", frozenset({_S.IDLE, _S.FROZEN})),  # FROZEN: suite paper, Seq ahead of ours
    (_S.FROZEN, FrameType.DACK): ("on_dack", frozenset({_S.FROZEN})),
}

RESUME: Final[Table[ResumeState]] = {
    (_R.CHALLENGED, FrameType.R1): ("on_offer", frozenset({_R.ANSWERED, _R.IDLE})),
    (_R.ANSWERED, FrameType.R1): ("on_repeated_offer", frozenset({_R.ANSWERED})),
    (_R.ANSWERED, FrameType.R3): ("on_finish", frozenset({_R.IDLE})),
}


def handler_of[S: StrEnum](table: Table[S], state: S, kind: FrameType) -> str:
    """Return the handler's name, or raise UnexpectedError: the pair is not legal."""
    try:
        return table[state, kind][0]
    except KeyError:
        raise UnexpectedError(f"{kind.name} in state {state.value}") from None
