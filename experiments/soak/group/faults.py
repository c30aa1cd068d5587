"""What a house adds to the faults of its devices: who joins and leaves, how groups end and begin again, what Eve does with their frames."""

from collections.abc import Callable
import random
from typing import Any, Final

from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.limits import GROUP_SKIP_MAX

from .eve import GroupEve
from .house import House
from .side import GroupSide

KINDS: Final = (MessageType.TEXT, MessageType.TEXT, MessageType.READINGS)
SIZES: Final = (0, 4, 20, 300)  # bytes behind the unique part
POINTS: Final = ("before write", "after write")
SLOW: Final = (0.1, 12.0)  # s
BURST: Final = GROUP_SKIP_MAX + 3  # messages: more than wait for one member


class GroupFaults:
    """The actions; each does one thing and leaves the house consistent."""

    def __init__(self, house: House, rng: random.Random) -> None:
        self.house, self._rng = house, rng
        self.eve = GroupEve(house, rng)
        self.carry, self.spoil, self.forge, self.command = self.eve.carry, self.eve.spoil, self.eve.forge, self.eve.command
        self._number = 0

    # --- messages

    def send(self, side: GroupSide | None = None) -> bytes:
        """The user sends a message to a group; return its body."""
        self._number += 1
        body = b"g%08d" % self._number + b"." * self._rng.choice(SIZES)
        self.house.send(side or self._group(), self._rng.choice(KINDS), body)
        return body

    def burst(self) -> None:
        """More messages at once than wait for one member."""
        self.house.counts.fault("group: burst")
        side = self._group()
        for _ in range(BURST):
            self.send(side)

    def _group(self) -> GroupSide:
        return self._rng.choice(self.house.groups)

    # --- members

    def join(self) -> None:
        """Somebody joins a group."""
        side = self._group()
        others = [member for member in self.house.members if member not in side.members and member.hub.connection.paired]
        if others:
            self.house.counts.fault("group: joined")
            self.house.choose(side, [*side.members, self._rng.choice(others)])

    def leave(self) -> None:
        """Somebody leaves a group."""
        side = self._group()
        if side.members:
            self.house.counts.fault("group: left")
            gone = self._rng.choice(side.members)
            self.house.choose(side, [member for member in side.members if member is not gone])

    def exchange(self) -> None:
        """One joins and another one leaves, before anything was sent."""
        self.leave()
        self.join()

    # --- the hub's side

    def reload(self) -> None:
        """A group's entry is loaded anew."""
        self.house.counts.fault("group: loaded anew")
        self._group().reload()

    def restart(self) -> None:
        """The hub loses its power while nothing is under way."""
        self.house.counts.fault("power cut: hub, idle")
        self.house.hub_ended()

    def cut(self) -> None:
        """The hub loses its power at the next write of a version."""
        self.house.power.cut_at(self._rng.choice(POINTS), 0)

    def fail_write(self) -> None:
        """The next write of a version fails."""
        self.house.power.fail_write()

    def slow_write(self) -> None:
        """The next write of a version takes long."""
        self.house.counts.fault("group's write slow")
        self._group().slow_write = self._rng.uniform(*SLOW)

    def restore(self) -> None:
        """The hub's user restores an older version of a group."""
        side = self._group()
        if side.disk:
            self.house.counts.fault("restored: group")
            side.disk = self._rng.randrange(side.disk)
            self.house.ledger.restored(side.gid)
            self.house.hub_ended()


WEIGHTS: Final[dict[str, float]] = {
    "join": 8, "leave": 4, "exchange": 1, "reload": 1, "burst": 0.3,
    "restart": 1, "cut": 2, "fail_write": 2, "slow_write": 3, "restore": 0.3,
    "carry": 20, "spoil": 10, "forge": 10, "command": 5,
}  # fmt: skip
"""Relative weights."""


def table(faults: GroupFaults) -> dict[str, Callable[[], Any]]:
    """Return all actions by name."""
    return {name: getattr(faults, name) for name in WEIGHTS}
