"""A wire tap on the virtual link: every frame, both ways, whole."""

from collections.abc import Callable
from typing import Any, override

from custom_components.self_secure.protocol.events import Event, Transmit
from custom_components.self_secure.protocol.framing import Reassembler
from custom_components.self_secure.protocol.packets import Packet, decode_packet

from ..virtual.world import World

type Listener = Callable[[Packet], None]


class TappedWorld(World):
    """Calls `listeners` with each frame, in the order in which the frames are on the air."""

    @override
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.listeners: list[Listener] = []
        self._to_hub, self._to_device = Reassembler(), Reassembler()

    def _hear(self, assembler: Reassembler, fragment: bytes) -> None:
        raw = assembler.feed(fragment)
        if raw is None:
            return
        for listener in self.listeners:
            listener(decode_packet(raw))

    @override
    def _listen(self, fragment: bytes) -> None:
        super()._listen(fragment)
        self._hear(self._to_hub, fragment)

    @override
    def _obey(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Transmit):
                self._hear(self._to_device, event.fragment)
            super()._obey([event])
