"""What a connection is told of the groups that its device is in (protocol.md 9); the rest of its inputs are `connection`'s."""

from .errors import NotPairedError, StoppedError
from .group import GroupKey, GroupMessage
from .messaging import Messaging
from .view import ConnectionView
from .window import PairingWindow
from .wire import Wire


class Membership(ConnectionView):
    """The inputs about groups, for a device that a key is shared with."""

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
