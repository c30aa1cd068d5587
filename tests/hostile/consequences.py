"""What one injected frame led to, and what of it is not legal."""

from collections.abc import Iterator, Mapping
from typing import Any

from custom_components.self_secure.protocol import tables
from custom_components.self_secure.protocol.framing import fragment
from custom_components.self_secure.protocol.packets import FrameType
from custom_components.self_secure.protocol.tables import NegotiationState
from experiments.soak.air import TO_HUB, type_of
from experiments.soak.driver import Driver
from experiments.soak.fingerprint import picture
from experiments.soak.forge_paper import PaperForger
from experiments.soak.injection import AUTHENTIC
from experiments.soak.world import World
from self_secure_device import tables as device_tables

from .states import state_of

HUB_TABLES: Mapping[str, tables.Table[Any]] = {
    "hub negotiation": tables.NEGOTIATION,
    "hub sender": tables.COMMUNICATION,
    "hub resume": tables.RESUME,
}
DEVICE_TABLES = {"device negotiation": device_tables.NEGOTIATION, "device peer": device_tables.PEER}
D = device_tables
DEVICE_NEXT: Mapping[str, set[str | None]] = {  # by handler: the device's own tables tell no more
    "accepted": {D.BROADCASTING},
    "refused": {None},
    "responded": {D.TAGGING, D.ACKNOWLEDGED, None},
    "tagged": {D.ACKNOWLEDGED, None},
    "confirmed": {D.OPENED, None},
    "hello": {D.RESUMING},
    "data": set(),
    "acknowledgement": {D.RUNNING, D.FROZEN},
    "new_epoch": {D.RUNNING},
    "no_epoch": {D.NO_CHAIN, D.RUNNING, D.FROZEN},
}
CLOSED = frozenset({NegotiationState.DONE, NegotiationState.FAILED})
HEADER = 8


class Observed:
    """One side before and after a frame."""

    def __init__(self, driver: Driver, way: str) -> None:
        self._world, self._way = driver.world, way
        self._before = self._look()

    def _look(self) -> tuple[Any, Any, int, dict[str, str | None]]:
        world = self._world
        if self._way == TO_HUB:
            side, stored, dropped = world.hub.connection, world.hub.disk, world.hub.connection.statistics.dropped
            return picture(side), stored, dropped, {name: state_of(world, name) for name in HUB_TABLES}
        core = world.front.core
        dropped = sum(core.counters.values()) + core.link.assembler.discarded
        return picture(core), world.front.flash, dropped, {name: state_of(world, name) for name in DEVICE_TABLES}

    def give(self, data: bytes) -> None:
        """Let a whole frame arrive."""
        for piece in fragment(data, self._world.payload):
            self._world.give(self._way, piece)

    def complaints(self, data: bytes, *, forged: bool) -> list[str]:
        """Return what is not legal about the consequences of `data`; `forged` = its MAC is a guess."""
        return [f"{name_of(data)}: {complaint}" for complaint in self._complaints(type_of(data), forged=forged)]

    def _complaints(self, kind: int, *, forged: bool) -> Iterator[str]:
        (before, stored, _, states), (after, stored_after, _, states_after) = self._before, self._look()
        changed = before != after
        if forged and stored != stored_after:
            yield "changed what is stored"
        if changed and forged and FrameType(kind).name in AUTHENTIC:
            yield "changed something without a MAC"
        if changed and not any((state, kind) in self._table(machine) for machine, state in states.items()):
            yield "changed something in a state that does not know it"
        for machine, state in states.items():
            if states_after[machine] not in self._next(machine, state, kind):
                yield f"{machine}: {state} became {states_after[machine]}"

    def _table(self, machine: str) -> Mapping[Any, Any]:
        return HUB_TABLES[machine] if self._way == TO_HUB else DEVICE_TABLES[machine]

    def _next(self, machine: str, state: str | None, kind: int) -> set[str | None]:
        row = self._table(machine).get((state, kind))
        if row is None:
            return {state}
        if self._way != TO_HUB:
            return {state, *DEVICE_NEXT[row]}
        return {state, *row[1]} | ({None} if CLOSED & row[1] else set())

    def untouched(self) -> bool:
        """Tell whether nothing but a counter has changed, and the counter has."""
        (before, stored, dropped, _), (after, stored_after, dropped_after, _) = self._before, self._look()
        return before == after and stored == stored_after and dropped_after > dropped


def name_of(data: bytes) -> str:
    """Return the name of a frame's type."""
    return FrameType(type_of(data)).name


def malformed(data: bytes) -> dict[str, bytes]:
    """Return ways to write a well-formed frame of protocol.md 4 wrongly."""
    length = int.from_bytes(data[2:4])
    return {
        "cut": data[:-1],
        "longer": data + b"\0",
        "nothing but its type": data[:1],
        "half a header": data[: HEADER - 1],
        "Len one more": data[:2] + (length + 1).to_bytes(2) + data[4:],
        "Len one less": data[:2] + (length - 1).to_bytes(2) + data[4:] if length else data[:-1],
        "Len of everything": data[:2] + b"\xff\xff" + data[4:],
        "unknown type": b"\x3f" + data[1:],
    }


def malformed_packets(data: bytes) -> dict[str, bytes]:
    """Return ways to write a packet of suite paper wrongly that need no key to be seen."""
    return {"cut": data[:-1], "longer": data + b"\0", "nothing but its type": data[:1], "unknown type": b"\xbf" + data[1:]}


def forms(driver: Driver, kind: FrameType, seed: int) -> tuple[bytes, dict[str, bytes]]:
    """Return a well-formed frame of this type whose MAC is a guess, and its malformed relatives."""
    forger = driver.faults.forger
    forger.rng.seed(seed)
    data = forger.frame(kind)
    return data, (malformed_packets if isinstance(forger, PaperForger) else malformed)(data)


def linked(driver: Driver) -> World:
    """Connect, unless there is a link."""
    if not driver.world.linked:
        driver.world.connect()
    return driver.world
