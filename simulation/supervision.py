"""The ends of connections, and what happens when they do not hear each other any more: the supervision timeout.

A connection repeats what it loses. So what one end sends while the other one is out of reach waits, and arrives in order
when they hear each other again in time; otherwise both ends lose the connection (Bluetooth Core 5.4, vol. 6 B 4.5.2).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bumble import hci

if TYPE_CHECKING:
    from bumble.controller import Connection

    from simulation.controller import RadioController

SUPERVISION_TIMEOUT = 1.0
"""Seconds after which the ends of a connection notice that they do not hear each other; real ones wait 0.1 to 32 s."""

type Arrival = Callable[[], None]
"""Hands a packet to the controller that it arrives at."""


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """One end of a connection."""

    controller: RadioController
    connection: Connection

    @property
    def alive(self) -> bool:
        """Whether its controller still has exactly this connection."""
        return self.controller.le_connections.get(self.connection.peer_address) is self.connection

    def take(self, arrival: Arrival) -> None:
        """Let a packet arrive; one for a connection that has ended is for nobody."""
        if self.alive:
            arrival()

    def time_out(self) -> None:
        """End it on this side, as the supervision timeout does."""
        self.controller.drop(self.connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)


type Bond = tuple[End, End]
"""A connection with both its ends."""


@dataclass(slots=True, eq=False)
class _Lapse:
    """A bond whose ends do not hear each other, and what has been sent meanwhile."""

    bond: Bond
    timer: asyncio.TimerHandle
    held: list[tuple[End, Arrival]] = field(default_factory=list)

    def concerns(self, connection: Connection) -> bool:
        return any(end.connection is connection for end in self.bond)


class Supervision:
    """Delivers the packets of connections, and ends those whose ends do not hear each other for `timeout` seconds."""

    def __init__(self, timeout: float = SUPERVISION_TIMEOUT) -> None:
        self.timeout = timeout
        self._lapses: list[_Lapse] = []

    def deliver(self, to: End, arrival: Arrival) -> None:
        """Let a packet arrive at the other end: soon, or when the ends hear each other again."""
        if lapse := self._lapse_of(to.connection):
            lapse.held.append((to, arrival))
        else:
            asyncio.get_running_loop().call_soon(to.take, arrival)

    def lapse(self, bond: Bond) -> None:
        """The ends do not hear each other from now on; does nothing if that was so before."""
        if self._lapse_of(bond[0].connection) is None:
            timer = asyncio.get_running_loop().call_later(self.timeout, self._end, bond)
            self._lapses.append(_Lapse(bond, timer))

    def recover(self, audible: Callable[[Bond], bool]) -> None:
        """Go on with every connection whose ends hear each other again: what has waited arrives in order."""
        for lapse in [one for one in self._lapses if audible(one.bond)]:
            self._lapses.remove(lapse)
            lapse.timer.cancel()
            for end, arrival in lapse.held:
                asyncio.get_running_loop().call_soon(end.take, arrival)

    def _end(self, bond: Bond) -> None:
        self._lapses = [one for one in self._lapses if one.bond is not bond]
        for end in bond:
            end.time_out()

    def _lapse_of(self, connection: Connection) -> _Lapse | None:
        return next((one for one in self._lapses if one.concerns(connection)), None)

    def close(self) -> None:
        """End nothing any more."""
        for lapse in self._lapses:
            lapse.timer.cancel()
        self._lapses.clear()
