"""What both sides say besides bytes: counted, judged by the ledger, told to the user."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from custom_components.self_secure.protocol.errors import Cause
from custom_components.self_secure.protocol.events import (
    CloneSuspected,
    CodeReady,
    EpochStarted,
    Event,
    FrameDropped,
    GroupKeyed,
    GroupSettled,
    GroupSynced,
    LinkUnneeded,
    MessageAbandoned,
    MessageDelayed,
    MessageDelivered,
    MessageReceived,
    MessageType,
    PairingCompleted,
    PairingFailed,
    PairingProgressed,
    PairingRequested,
    ResumeFailed,
    StaleKeyHinted,
    StoreFailed,
    Transmit,
)

from .air import NAMES, TO_DEVICE, TO_HUB
from .counts import ViolationError

if TYPE_CHECKING:
    from .device import DeviceSide
    from .sides import Sides

_UNJUDGED: Final = frozenset({MessageType.INFO, MessageType.GROUP_SYNC})  # what the device's core itself sends


class HubEars:
    """Hears the hub."""

    def __init__(self, world: Sides) -> None:
        self._world = world
        self._does: Final[dict[type, Callable[[Any], None]]] = {
            Transmit: self._transmit,
            LinkUnneeded: self._unneeded,
            PairingProgressed: self._progressed,
            FrameDropped: self._dropped,
            MessageReceived: self._received,
            MessageDelivered: self._delivered,
            CodeReady: self._code,
            PairingCompleted: self._paired,
            PairingFailed: self._not_paired,
            EpochStarted: self._epoch,
            GroupSettled: world.group_told,
            GroupKeyed: world.group_told,
            GroupSynced: world.group_told,
            ResumeFailed: self._resume_failed,
            MessageDelayed: self._plain,
            MessageAbandoned: self._abandoned,
            PairingRequested: self._plain,
            CloneSuspected: self._plain,
            StaleKeyHinted: self._plain,
            StoreFailed: self._plain,
        }

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._does[type(event)](event)

    def _plain(self, event: Any) -> None:
        self._world.counts.rule(f"hub: {type(event).__name__}")

    def _transmit(self, event: Any) -> None:
        if self._world.linked:
            self._world.air.send(TO_DEVICE, event.fragment)

    def _unneeded(self, _event: Any) -> None:
        self._world.hang_up = True

    def _progressed(self, _event: Any) -> None:
        """Only for a progress bar."""

    def _dropped(self, event: Any) -> None:
        reason = "unknown type" if event.reason.startswith("unknown type") else event.reason
        self._world.counts.rule(f"hub drops {NAMES.get(event.frame_type, 'garbage')}: {reason}")

    def _received(self, event: Any) -> None:
        if event.type not in _UNJUDGED:
            self._world.counts.note(f"hub acts on {event.body[:12]!r}")
            self._world.ledger.acted("hub", event.body)
        self._world.counts.rules[f"hub: MessageReceived {MessageType(event.type).name}"] += 1

    def _delivered(self, event: Any) -> None:
        self._world.counts.rule("hub: MessageDelivered" + (" after retries" if event.attempts > 1 else ""))
        self._world.ledger.confirmed(self._world.hub.bodies[event.handle])

    def _abandoned(self, event: Any) -> None:
        self._plain(event)
        self._world.ledger.given_up(self._world.hub.bodies[event.handle])

    def _code(self, event: Any) -> None:
        self._plain(event)
        self._asked()
        self._world.user.code_shown(event.code)

    def _paired(self, event: Any) -> None:
        self._plain(event)
        self._asked()
        self._world.user.pairing_ended(completed=True)

    def _asked(self) -> None:
        if not self._world.user.asked:
            raise ViolationError("the hub pairs by itself")

    def _not_paired(self, event: Any) -> None:
        suspicious = ", suspicious" if event.suspicious else ""
        self._world.counts.rule(f"hub: PairingFailed {event.cause.value}{suspicious}")
        self._world.user.pairing_ended(completed=False, suspicious=event.suspicious, full=event.cause is Cause.BUSY)

    def _epoch(self, event: Any) -> None:
        world = self._world
        world.counts.rule("hub: EpochStarted" + (" by resume" if event.resumed else " by pairing"))
        if event.resumed:
            world.watch.hub_resumed(world.hub.disk, event.epoch)
            world.user.resumed()
            world.hub_resumed()

    def _resume_failed(self, event: Any) -> None:
        self._world.counts.rule(f"hub: ResumeFailed {event.reason}")
        self._world.user.resume_failed(event.failures)


class DeviceEars:
    """Hears one device."""

    side: DeviceSide

    def __init__(self, world: Sides) -> None:
        self._world = world
        self._does: Final[dict[str, Callable[[Any], None]]] = {
            "text": self._text,
            "bytes": self._bytes,
            "readings": self._of_group,
            "delivered": self._delivered,
            "paired": self._paired,
            "resumed": self._resumed,
        }

    def __call__(self, kind: str, value: Any) -> None:
        """Take one event."""
        detail = f" {value}" if kind in ("pairing_failed", "verified", "error") else ""
        self._world.counts.rule(f"device: {kind}{detail}")
        if kind in self._does:
            self._does[kind](value)

    @property
    def _actor(self) -> str:
        return "device" if self.side is self._world.node else "copy"

    def _text(self, value: str) -> None:
        if self.side.core.group is None:
            self._bytes(value.encode())
        else:
            self._of_group(value.encode())

    def _of_group(self, value: bytes) -> None:
        self._world.group_acted(self.side, self.side.core.group, value)

    def _bytes(self, value: bytes) -> None:
        self._world.counts.note(f"device acts on {value[:12]!r}")
        self._world.ledger.acted(self._actor, value)

    def _delivered(self, _number: int) -> None:
        head = self._world.head
        if head is not None and head.kind not in _UNJUDGED:
            self._world.ledger.confirmed(head.body)

    def _paired(self, _value: None) -> None:
        self._world.watch.device_uses(self._world.committed_key(self.side))
        self._world.device_paired(self.side)

    def _resumed(self, _epoch: int) -> None:
        self._world.air.began(TO_HUB)
        self._world.watch.device_uses(self._world.committed_key(self.side))
