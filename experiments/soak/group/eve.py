"""Eve and the groups: frames that she carries from one device to another, spoils, or makes of keys that are not for them."""

import random
from typing import TYPE_CHECKING, Any, Final

from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.framing import fragment as cut
from custom_components.self_secure.protocol.group import Place
from self_secure_device import frames
from self_secure_device.crypto import counter_mode, expand, tag

from ..air import TO_DEVICE
from ..counts import ViolationError
from ..fingerprint import picture
from .member import Member

if TYPE_CHECKING:
    from .house import House

TIMELY: Final = 0.5  # share of injections that fit what is going on
NEWEST: Final = 8  # frames that are still going on
NEAR: Final = (0, 0, 0, 1, 5, 64, 65, -1)  # places from the one that a device expects
COMMANDS: Final = tuple(kind for kind in MessageType if kind not in (MessageType.TEXT, MessageType.READINGS))


class GroupEve:
    """Injects group frames into the open links of a house."""

    def __init__(self, house: House, rng: random.Random) -> None:
        self._house, self._rng = house, rng

    def carry(self) -> None:
        """Inject a genuine frame of one link into another, or again into the same."""
        frame, member = self._genuine(), self._linked()
        if frame is not None and member is not None:
            entitled = self._house.ledger.is_for(member.identity, frame)
            self._inject(f"group: carried to {'a member' if entitled else 'an outsider'}", member, frame, silent=not entitled)

    def spoil(self) -> None:
        """Inject a genuine frame with one of its bits changed."""
        frame, member = self._genuine(), self._linked()
        if frame is not None and member is not None:
            data = bytearray(frame)
            data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)
            self._inject("group: spoiled", member, bytes(data), silent=True)

    def forge(self) -> None:
        """Inject a frame near the place that a device expects, under a key of nobody or of another version."""
        found = self._keyed()
        if found is not None:
            member, place, _ = found
            key = self._rng.choice([self._rng.randbytes(32), *self._house.ledger.keys_of_others(place)])
            self._inject("group: forged", member, sealed(key, self._moved(place), MessageType.TEXT, b"forged"), silent=True)

    def command(self) -> None:
        """A member gone bad seals what acts, under the very key that another one expects."""
        found = self._keyed()
        if found is not None:
            member, place, key = found
            self._inject("group: command of a member", member, sealed(key, place, self._rng.choice(COMMANDS), b"open"), silent=True)

    # --- what she has

    def _genuine(self) -> bytes | None:
        known = self._house.frames
        if known and self._rng.random() < TIMELY:
            return known[-1 - self._rng.randrange(min(NEWEST, len(known)))]
        return self._rng.choice(known) if known else None

    def _linked(self) -> Member | None:
        linked = [member for member in self._house.members if member.linked]
        return self._rng.choice(linked) if linked else None

    def _keyed(self) -> tuple[Member, Place, bytes] | None:
        """Return a linked device that holds a key, the place that it expects, and the key."""
        found = [(member, name, group) for member in self._house.members if member.linked for name, group in member.held().items()]
        if not found:
            return None
        member, name, group = self._rng.choice(found)
        return member, Place(int.from_bytes(name[16:]), group.version, group.n), group.key

    def _moved(self, place: Place) -> Place:
        return Place(place.gid, place.version, max(0, place.n + self._rng.choice(NEAR)))

    # --- what she does

    def _inject(self, name: str, member: Member, frame: bytes, *, silent: bool) -> None:
        self._house.counts.fault(name)
        core, link = member.front.core, member.front.core.link
        before = (picture(core), len(link._frames), len(link._fragments))  # noqa: SLF001  # what it says is nobody's business but the radio's
        self._house.ledger.by_eve = member.disturbed = True
        for piece in cut(frame, member.payload):
            member.give(TO_DEVICE, piece)
        self._house.ledger.by_eve = False
        after = (picture(core), len(link._frames), len(link._fragments))  # noqa: SLF001  # as above
        if silent and after != before:
            raise ViolationError(f"forged: {name}, and it was not silent")


def sealed(key: bytes, place: Place, kind: int, body: bytes) -> bytes:
    """Return a frame of any type of message, made as a device could."""
    g = bytes(place)
    text = counter_mode(expand(key, b"SSC1 genc" + g), bytes([kind]) + body)
    head: Any = frames.encode_head(frames.GROUP, g[:6] + text, 0, place.n)
    return bytes(head + tag(expand(key, b"SSC1 gmac" + g), head[: frames.HEADER_BYTES], g, text))
