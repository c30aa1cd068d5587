"""What a connection is told of groups and paths of its device (protocol.md 9 and 10); the rest of its inputs are `connection`'s."""

from typing import Final

from . import limits
from .errors import LocalError, MessageTooLargeError, NotPairedError, QueueFullError, StoppedError
from .events import MessageType
from .group import GroupKey, GroupMessage
from .messaging import Messaging
from .session import INTERNAL, Outgoing
from .view import ConnectionView
from .window import PairingWindow
from .wire import Wire

_SENDABLE: Final = frozenset(MessageType) - {MessageType.VERIFIED, MessageType.FORGET}  # those begin and end a pairing
_VOLATILE: Final = frozenset({MessageType.GROUP_KEY, MessageType.RELAY, MessageType.ROUTE})  # keys and ways that end with our memory


class Membership(ConnectionView):
    """The inputs about groups and paths, for a device that a key is shared with."""

    def __init__(self, wire: Wire, window: PairingWindow) -> None:
        """Start without a key."""
        super().__init__(wire, window)
        self._heard = 0.0  # when the last input came

    def send_group(self, message: GroupMessage, now: float) -> None:
        """Let the device have a message of a group that it is in; `GroupSettled` tells what becomes of it. LocalError if there is no key."""
        self._grouped(now).groups.send(message)
        self._paired().pump(now)

    def send_group_key(self, key: GroupKey, now: float) -> None:
        """Answer `GroupSynced` with the present key of the group; LocalError if there is no key with the device."""
        self._grouped(now).groups.answer(key)
        self._paired().pump(now)

    def leave_group(self, gid: int, now: float) -> None:
        """The device is not in the group any more: what waits for it there is given up. LocalError if there is no key with it."""
        self._grouped(now).groups.leave(gid)

    def carry(self, message_type: int, body: bytes, now: float) -> int:
        """Queue a part of a path through this device, a relay. Nothing tells what becomes of it; errors as those of `send`."""
        self._enqueue(INTERNAL, message_type, body, now)
        return INTERNAL

    def _enqueue(self, handle: int, message_type: int, body: bytes, now: float) -> None:
        messaging = self._paired()
        if message_type not in _SENDABLE:
            raise LocalError(f"no message of type {message_type}")
        if len(body) > messaging.memory.body_max:
            raise MessageTooLargeError(f"at most {messaging.memory.body_max} bytes")
        if self.queued >= limits.QUEUE_MAX:
            raise QueueFullError(f"{limits.QUEUE_MAX} messages are waiting")
        self._heard = now
        messaging.enqueue(Outgoing(handle, message_type, body, volatile=message_type in _VOLATILE), now)

    def withdraw_paths(self) -> None:
        """The device is a relay that cannot be reached: what was not sent of its paths is worth nothing later (protocol.md 10)."""
        if self._messaging is not None and not self._stopped:
            self._messaging.withdraw_paths()

    def _grouped(self, now: float) -> Messaging:
        messaging = self._paired()
        self._heard = now
        return messaging

    def _check_running(self) -> None:
        if self._stopped:
            raise StoppedError("stopping")

    def _paired(self) -> Messaging:
        self._check_running()
        if self._messaging is None:
            raise NotPairedError("no key with this device")
        return self._messaging
