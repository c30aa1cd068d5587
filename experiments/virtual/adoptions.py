"""The keys that relays make in advance with devices that they hear (protocol.md 10, adoption), for the hub of the experiments."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from custom_components.self_secure.protocol.events import MessageType

if TYPE_CHECKING:
    from .path_hub import PathHub

NOWHERE = bytes(16)
ADOPTED = 0x20  # flag of an entry: the relay has a key with the device
INVITATION = bytes(2)  # the path of a ROUTE, end to end, that names a relay
AGAIN, AGAIN_MAX = 120.0, 960.0  # s after which a relay that has still not adopted a device is asked once more, doubling
ANSWER = 70.0  # s; a relay says within 60 s whether a path is there


@dataclass(slots=True)
class Adoption:
    """A path that is asked for only to let a relay make a key with a device that was invited to it."""

    again: float = 0.0  # when to try anew
    pause: float = AGAIN  # until then
    path: int = 0  # 0: the device has not taken the invitation yet
    asked: float = 0.0
    handle: int = 0  # of the invitation


class Adoptions:
    """Every adoption that a hub waits for; devices and relays go by their names in the house."""

    def __init__(self, hub: PathHub) -> None:
        self._hub = hub
        self._table: dict[tuple[str, str], Adoption] = {}  # by relay and device
        self.doubted: set[tuple[str, str]] = set()  # paired anew since the relay has last shown its key

    def adopting(self, far: str) -> bool:
        """Whether a device is to be left alone: a relay shall connect to it."""
        return any(one == far and adoption.path for (_, one), adoption in self._table.items())

    def asked(self, relay: str) -> bool:
        """Whether a relay has been sent to a device."""
        return any(one == relay and adoption.path for (one, _), adoption in self._table.items())

    def promise(self) -> None:
        """Invite each paired device that is listed to each relay that has not adopted it."""
        hub = self._hub
        for adoption in list(self._table.values()):
            if adoption.path and hub.now >= adoption.asked + ANSWER:
                adoption.path = 0
        for relay, rows in list(hub.lists.items()):
            for name, line in hub.lines.items():
                row = rows.get(line.identity[:4])
                strange = row is not None and (not row[0] & ADOPTED or (relay, name) in self.doubted)
                wanted = strange and name != relay and line.hub.view.paired
                if wanted and relay not in hub.shunned and hub.lines[relay].hub.view.paired:
                    self._invite(relay, name)

    def _invite(self, relay: str, name: str) -> None:
        """Ask a device to let a relay make a key with it, unless one of the two is in the middle of that already."""
        adoption = self._table.setdefault((relay, name), Adoption())
        busy = any(other.path and {relay, name} & set(pair) for pair, other in self._table.items())
        if not busy and self._hub.now >= adoption.again:
            adoption.again, adoption.pause = self._hub.now + adoption.pause, min(2 * adoption.pause, AGAIN_MAX)
            adoption.handle = self._hub.post(name, MessageType.ROUTE, INVITATION + self._hub.identity(relay))

    def invited(self, name: str, handle: int) -> None:
        """The device has taken an invitation: let the relay go there, unless the hub itself needs one of the two for something else."""
        hub = self._hub
        pairing = any(line.hub.view.pairing for line in hub.lines.values())
        for (relay, far), adoption in list(self._table.items()):
            needed = adoption.path or pairing or self.asked(far) or hub.carries(far) or self.adopting(relay)
            if far == name and adoption.handle == handle and not needed:
                adoption.path, adoption.asked = hub.next_path(), hub.now
                hub.post(relay, MessageType.ROUTE, adoption.path.to_bytes(2) + hub.identity(name))

    def adopted(self, relay: str, path: int, identity: bytes) -> None:
        """The relay has answered: the path has done its work."""
        for pair, adoption in list(self._table.items()):
            if pair[0] == relay and adoption.path == path != 0:
                adoption.path = 0
                self.doubted -= {pair} if identity != NOWHERE else set()
                self._hub.post(relay, MessageType.ROUTE, path.to_bytes(2) + NOWHERE)

    def unlinked(self, relay: str) -> None:
        """The link to a relay is gone, and all paths over it."""
        for (one, _), adoption in self._table.items():
            adoption.path = 0 if one == relay else adoption.path

    def forget(self, name: str) -> None:
        """Begin anew with a device, or with a relay."""
        for pair in [pair for pair in self._table if name in pair]:
            del self._table[pair]

    def clear(self) -> None:
        """Lose what is in memory of them."""
        self._table.clear()
