"""A device that carries frames for others: the real core with a relay in it, and a store for each."""

from collections.abc import Callable
from typing import override

from self_secure_device.device import Device
from self_secure_device.relay.relay import Relay

from .node import Node


class Carrying(Node):
    """A node with a relay; `power_cut` loses the memory of both and keeps their storage."""

    def __init__(self, identity: bytes, urandom: Callable[[int], bytes], *, weak: bool = False, interval: int = 30) -> None:
        self.wards: bytes | None = None
        self._weak = weak
        super().__init__(identity, urandom, interval=interval)

    @override
    def _start(self) -> Device:
        core = super()._start()
        self.relay = Relay(core, self.wards, self.save_wards, self._weak)
        return core

    def save_wards(self, data: bytes) -> None:
        """Keep a snapshot of the relay."""
        self.wards = data
        self.writes += 1
