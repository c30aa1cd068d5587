"""`scripts/diagrams`: the state machines of both implementations, drawn from their tables into docs/diagrams.md.

The packets, handlers and (at the hub) next states come from the tables. Two things are not in a table and stand here: where
the device's handlers lead to, and the moves that no packet causes. `test_diagrams.py` compares both with machines that run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
import sys
from typing import Final

from custom_components.self_secure.protocol import tables as hub
from custom_components.self_secure.protocol.packets import FrameType
from self_secure_device import group, tables as device

PAGE: Final = Path(__file__).parents[2] / "docs" / "diagrams.md"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One step of a machine; `handler` is empty when no packet causes it."""

    source: str
    target: str
    cause: str  # a packet, or what happens
    handler: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """One state machine as it is drawn."""

    title: str
    first: str
    edges: tuple[Edge, ...]

    def steps(self) -> set[tuple[str, str]]:
        """Return all (state, next state)."""
        return {(edge.source, edge.target) for edge in self.edges}


def _hub_edges[S: StrEnum](table: hub.Table[S], *moves: Edge) -> tuple[Edge, ...]:
    """Return the edges of a hub's table and the moves without a packet."""
    rows = [
        Edge(state.value, target.value, kind.name, handler)
        for (state, kind), (handler, targets) in table.items()
        for target in sorted(targets)
    ]
    return (*rows, *moves)


type Effects = Mapping[str, tuple[str, ...]]  # handler -> states it may lead to; none: back to the same


def _device_edges(table: Mapping[tuple[str, int], str], effects: Effects, *moves: Edge) -> tuple[Edge, ...]:
    """Return the edges of a device's table; KeyError if a handler's effect is not known here."""
    rows = [
        Edge(state, target, FrameType(kind).name, handler)
        for (state, kind), handler in table.items()
        for target in effects[handler] or (state,)
    ]
    return (*rows, *moves)


_N, _S, _R = hub.NegotiationState, hub.SenderState, hub.ResumeState
_CAP = "time is up, or cancelled"
_LOST = "5 s are over, the link dropped, or OPEN"

HUB_NEGOTIATION: Final = Machine(
    "Hub: negotiation (responder)",
    _N.WAITING,
    _hub_edges(
        hub.NEGOTIATION,
        *(Edge(state, _N.FAILED, _CAP) for state in (_N.WAITING, _N.COLLECTING, _N.RESPONDED, _N.ENDED)),
        Edge(_N.COLLECTING, _N.RESPONDED, "end of the broadcast (hybrid)"),
        Edge(_N.COMPARING, _N.DONE, "user says same, or shows none"),
        Edge(_N.COMPARING, _N.FAILED, "user says different or nothing, or cancels"),
    ),
)
HUB_COMMUNICATION: Final = Machine(
    "Hub: one sending chain",
    _S.IDLE,
    _hub_edges(
        hub.COMMUNICATION,
        Edge(_S.IDLE, _S.OUTSTANDING, "next message of the queue"),
        Edge(_S.OUTSTANDING, _S.FROZEN, "no attempt left, or Seq_ACK jumped (paper)"),
    ),
)
HUB_RESUME: Final = Machine(
    "Hub: resume (responder)",
    _R.IDLE,
    _hub_edges(
        hub.RESUME,
        Edge(_R.IDLE, _R.CHALLENGED, "sends R0"),
        Edge(_R.CHALLENGED, _R.IDLE, _LOST),
        Edge(_R.ANSWERED, _R.IDLE, _LOST),
    ),
)
DEVICE_NEGOTIATION: Final = Machine(
    "Device: negotiation (initiator)",
    device.REQUESTED,
    _device_edges(
        device.NEGOTIATION,
        {
            "accepted": (device.BROADCASTING,),
            "refused": (device.ENDED,),
            "responded": (device.ACKNOWLEDGED, device.TAGGING, device.ENDED),
            "tagged": (device.TAGGING, device.ACKNOWLEDGED, device.ENDED),
            "confirmed": (device.OPENED, device.ENDED),
        },
        *(
            Edge(state, device.ENDED, "time is up, or a new local action")
            for state in (device.REQUESTED, device.BROADCASTING, device.TAGGING, device.ACKNOWLEDGED)
        ),
        Edge(device.OPENED, device.ENDED, "first valid frame of R, 11 min, or reset"),
    ),
)
DEVICE_PEER: Final = Machine(
    "Device: the talk with one hub",
    device.NO_CHAIN,
    _device_edges(
        device.PEER | group.PEER,
        {
            "hello": (device.RESUMING,),
            "data": (),
            "acknowledgement": (device.RUNNING,),
            "message": (),
            "new_epoch": (device.RUNNING,),
            "no_epoch": (device.NO_CHAIN, device.RUNNING, device.FROZEN),
        },
        Edge(device.NO_CHAIN, device.RUNNING, "sends OPEN"),
        Edge(device.FROZEN, device.RUNNING, "DATA under a new pairing"),
        Edge(device.RUNNING, device.NO_CHAIN, "FORGET right after a resume, or forgotten by hand"),
        Edge(device.RUNNING, device.FROZEN, "no attempt left, or Seq_ACK jumped (paper)"),
        *(Edge(device.RESUMING, state, "the link dropped, or OPEN") for state in (device.NO_CHAIN, device.RUNNING, device.FROZEN)),
    ),
)
MACHINES: Final = (HUB_NEGOTIATION, HUB_COMMUNICATION, HUB_RESUME, DEVICE_NEGOTIATION, DEVICE_PEER)

_HEAD = """# State machines

Drawn by `scripts/diagrams` from `custom_components/self_secure/protocol/tables.py` and `device/self_secure_device/tables.py`
(with the rows that `group.py` beside it adds). Do not edit: a test compares this page with the tables. Words in capitals are packets; the other labels are moves that no packet causes. A packet that a
state's table does not list is dropped, is counted, and changes nothing. A byte-identical repeat of an accepted negotiation packet or R1 gets the stored
answer and moves nothing.
"""


def _name(state: str) -> str:
    return state.replace(" ", "_")


def _label(edges: list[Edge]) -> str:
    return "; ".join(dict.fromkeys(edge.cause for edge in edges))


def draw(machine: Machine) -> str:
    """Return one machine as a Mermaid diagram and a table of its packets."""
    ordered = sorted(machine.edges, key=lambda edge: (edge.source, edge.target))
    groups = [(step, list(edges)) for step, edges in groupby(ordered, key=lambda edge: (edge.source, edge.target))]
    arrows = [f"    {_name(source)} --> {_name(target)}: {_label(edges)}" for (source, target), edges in groups]
    rows = [
        f"| {state} | {packet} | `{handler}` | {', '.join(edge.target for edge in edges)} |"
        for (state, packet, handler), edges in _packets(machine)
    ]
    return "\n".join(
        (
            f"## {machine.title}",
            "",
            "```mermaid",
            "stateDiagram-v2",
            f"    [*] --> {_name(machine.first)}",
            *arrows,
            "```",
            "",
            "| State | Packet | Handler | Next |",
            "|---|---|---|---|",
            *rows,
            "",
        )
    )


def _packets(machine: Machine) -> list[tuple[tuple[str, str, str], list[Edge]]]:
    """Return the rows of the table, as it orders them."""
    found: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in machine.edges:
        if edge.handler:
            found.setdefault((edge.source, edge.cause, edge.handler), []).append(edge)
    return list(found.items())


def page() -> str:
    """Return the whole of docs/diagrams.md."""
    return "\n".join((_HEAD, *(draw(machine) for machine in MACHINES)))


def main() -> int:
    """Write the page; exit status 0."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
