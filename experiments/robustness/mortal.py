"""Hub, device and link of the virtual world, each of which may fail at the fuse's place."""

from collections.abc import Callable, Mapping
from typing import Any, override

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import Event, Transmit

from ..virtual.hub import HubDiedError, LocalHub, Store
from ..virtual.node import Node
from ..virtual.world import World
from .fuse import DEVICE_AFTER, DEVICE_BEFORE, DEVICE_FRAGMENT, HUB_FRAGMENT, Fuse, LinkLostError, PowerCutError


class MortalHub(LocalHub):
    """Dies before or after a write."""

    def __init__(self, settings: Settings, entropy: Callable[[int], bytes], store: Store, fuse: Fuse) -> None:
        def pass_by(name: str) -> None:
            if fuse.reached(f"hub {name}"):
                raise PowerCutError

        super().__init__(settings, entropy, store, point=pass_by)

    @override
    def call(self, name: str, *arguments: Any) -> tuple[Any, list[Event]]:
        try:
            return super().call(name, *arguments)
        except PowerCutError:
            raise HubDiedError(list(self._events)) from None


class MortalNode(Node):
    """Dies before or after a write."""

    def __init__(self, fuse: Fuse, identity: bytes, urandom: Callable[[int], bytes], suite: int) -> None:
        self._fuse = fuse
        super().__init__(identity, urandom, suites=(suite,))

    @override
    def save(self, data: bytes) -> None:
        if self._fuse.reached(DEVICE_BEFORE):
            raise PowerCutError
        super().save(data)
        if self._fuse.reached(DEVICE_AFTER):
            raise PowerCutError


class MortalWorld(World):
    """Buries whoever dies; `together` takes the other side along. After a lost link there is none for `outage` seconds."""

    fuse: Fuse
    together = False
    outage = 0.0
    failed_at: float | None = None
    recovered_at: float | None = None
    healthy: Callable[[], bool]
    _back_at = 0.0

    @override
    def step(self, end: float) -> None:
        self.reachable = self.now >= self._back_at
        died = self.deaths
        try:
            super().step(end)
        except PowerCutError:
            self.device_dies()
        if self.deaths > died:
            self._hub_died()
        if self.failed_at is not None and self.recovered_at is None and self.healthy():
            self.recovered_at = self.now

    @override
    def attempt(self, name: str, *arguments: object) -> object:
        died = self.deaths
        result = super().attempt(name, *arguments)
        if self.deaths > died:
            self._hub_died()
        return result

    def guarded(self, call: Callable[[], object]) -> None:
        """Do something to the device from outside of `run`; if it dies of it, it is buried."""
        try:
            call()
        except PowerCutError:
            self.device_dies()

    def move(self) -> None:
        """Move fragments from outside of `run`; whoever dies of it is buried."""
        try:
            self.guarded(self.exchange)
        except HubDiedError as death:
            self._bury(death)
            self._hub_died()

    def fail(self) -> None:
        """Note when it happened."""
        self.failed_at = self.now

    def _hub_died(self) -> None:
        self.fail()
        if self.together:
            self._cut_device()

    def device_dies(self) -> None:
        """The device loses its memory; with `together` the hub too."""
        self.fail()
        self._cut_device()
        if self.together and self.revive is not None:
            self.hub = self.revive()

    def _cut_device(self) -> None:
        self.node.power_cut()
        self.disconnect()

    def _lose_link(self) -> None:
        self.fail()
        self._back_at = self.now + self.outage
        self.reachable = not self.outage
        self.disconnect()

    @override
    def exchange(self) -> None:
        try:
            super().exchange()
        except LinkLostError:
            self._lose_link()

    @override
    def _listen(self, fragment: bytes) -> None:
        if self.fuse.reached(DEVICE_FRAGMENT):
            raise LinkLostError
        super()._listen(fragment)

    @override
    def _obey(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Transmit) and self.fuse.reached(HUB_FRAGMENT):
                self._lose_link()
                continue
            try:
                super()._obey([event])
            except PowerCutError:
                self.device_dies()


class Disk:
    """The hub's disk: remembers every state, so that an old backup can be put back."""

    def __init__(self) -> None:
        self.states: list[Mapping[str, Any]] = []

    def load(self) -> Mapping[str, Any] | None:
        """Return the last snapshot."""
        return self.states[-1] if self.states else None

    def save(self, snapshot: Mapping[str, Any]) -> None:
        """Keep a snapshot."""
        self.states.append(snapshot)
