"""The devices of this soak: the real cores, flash in memory, and a power that can be cut."""

from collections.abc import Callable
from typing import Any, Final, override

from experiments.soak.power import Power
from experiments.soak.profile import INTERVAL
from experiments.virtual.carrying import Carrying
from experiments.virtual.node import Node

ACTS: Final = frozenset({"text", "bytes"})  # events that are the act of a message
LOG: Final = 100  # events that a program remembers: what a relay has in its log is searched, too

type Listen = Callable[[str, str, Any], None]
"""Hears of a device, by name, an event and its value."""
type Written = Callable[[str], None]
"""Hears whose storage has changed."""


class PoweredNode(Node):
    """A device by its name, one letter."""

    def __init__(self, name: str, urandom: Callable[[int], bytes], power: Power, listen: Listen, written: Written) -> None:
        self.name, self.power = name, power
        self._listen, self._written = listen, written
        self.code: str | None = None  # as its display shows it
        super().__init__(identity_of(name), urandom, interval=INTERVAL)

    @override
    def power_cut(self) -> None:
        self.code = None
        super().power_cut()

    @override
    def save(self, data: bytes) -> None:
        self.write(lambda: super(PoweredNode, self).save(data))

    def write(self, store: Callable[[], None]) -> None:
        """Write something, unless the power or the flash fails."""
        self.power.point("before write")
        if self.power.write_fails():
            raise OSError("flash worn out")
        store()
        self._written(self.name)
        self.power.point("after write")

    @override
    def event(self, kind: str, value: object) -> None:
        if kind in ACTS:
            self.power.point("before act")
        if kind == "code":
            self.code = str(value)
        super().event(kind, value)
        del self.log[:-LOG]
        self._listen(self.name, kind, value)


class PoweredRelay(PoweredNode, Carrying):
    """A relay; `meddle` is what stands between its hops once it misbehaves."""

    @override
    def save_wards(self, data: bytes) -> None:
        self.write(lambda: super(PoweredRelay, self).save_wards(data))


def identity_of(name: str) -> bytes:
    """Return the identity of a device by its name, one letter."""
    return name.encode() * 16
