"""One device of a house with its user and its link: a world of the soak whose clock and hub are the house's."""

from collections import Counter
import re
from typing import TYPE_CHECKING, Any, Final, override

from custom_components.self_secure.protocol.events import Event

from ..air import Sent
from ..device import DeviceSide
from ..hub import Disk
from ..profile import Profile
from ..world import EXCHANGE, World

if TYPE_CHECKING:
    from .house import House

HEX: Final = re.compile(r"[0-9a-f]{64,}")  # what may hold a key


class Member(World):
    """A device that may be in groups."""

    def __init__(self, house: House, profile: Profile, seed: str) -> None:
        self.house = house
        self.loss = 0.0  # share of fragments that do not arrive
        self.lives = 0  # that its device, or a copy, has begun
        self.troubles: dict[str, int] = {}  # what may cost it messages, and the last step of it
        self.sendings: Counter[bytes] = Counter()  # of group frames
        self.waiting: Counter[int] = Counter()  # messages whose outcome the hub has not told, by gid
        self.asking: set[int] = set()  # groups for whose key its question may be under way
        self.disturbed = False  # something has gone wrong on its link since it has begun its present life
        super().__init__(profile, seed, house.counts, house.reuse)

    @property
    def now(self) -> float:
        """The house's clock."""
        return self.house.now

    @now.setter
    def now(self, value: float) -> None:
        self.house.now = value

    @property
    def identity(self) -> bytes:
        """What the hub knows it by."""
        return self.profile.identity

    @property
    def name(self) -> str:
        """A letter."""
        return self.identity[:1].decode()

    def trouble(self, why: str) -> None:
        """Note what may cost it messages."""
        self.troubles[why] = self.counts.step

    @property
    def pairing_number(self) -> int:
        """Number of the hub's newest pairing with it; 0 without one."""
        return max((pairing.number for pairing in self.hub.connection.pairings), default=0)

    @override
    def take(self, way: str) -> None:
        if self.rng.random() < self.loss:
            self.air.ways[way].popleft()
            self.now += EXCHANGE
            self.disturbed = True
            self.counts.faults["fragment lost"] += 1
        else:
            super().take(way)

    # --- ends

    @override
    def restart_hub(self) -> None:
        self.house.hub_ended()

    @override
    def drop_device(self) -> None:
        self.lives += 1
        self.trouble("the device has lost its memory")
        self.asking, self.disturbed = {side.gid for side in self.house.groups}, False
        super().drop_device()

    @override
    def drop_hub(self) -> None:
        self.trouble("the hub has lost its memory")
        self.waiting.clear()
        super().drop_hub()
        self.house.gone(self)

    @override
    def remove_from_hub(self) -> None:
        super().remove_from_hub()
        self.house.removed(self)

    # --- what is watched

    @override
    def swap(self, side: DeviceSide) -> None:
        self.trouble("the device was copied")
        super().swap(side)

    @override
    def group_told(self, event: Event) -> None:
        self.house.told(self, event)

    @override
    def group_acted(self, side: DeviceSide, gid: int, body: bytes) -> None:
        self.counts.rule("group: acted")
        if self.house.ledger.by_eve:
            self.trouble("Eve has brought a later one")
        self.house.ledger.acted(self.identity, gid, body, self.lives, copy=side is not self.node)
        self.check_keys()

    def check_keys(self) -> None:
        """Look at the group keys in the memory of whichever device is in front."""
        for group in self.held().values():
            self.house.ledger.holds(self.identity, group.key)

    def held(self) -> dict[bytes, Any]:
        """Return the groups whose key the device in front can use, by id_R and gid."""
        groups: Any = self.front.core.groups
        if groups is None:
            return {}
        groups.purge()
        held: dict[bytes, Any] = groups._groups  # noqa: SLF001  # what must not be reachable otherwise
        return held

    @override
    def _hub_wrote(self, disk: Disk) -> None:
        super()._hub_wrote(disk)
        for run in HEX.findall(repr(disk)):
            self.house.ledger.stored(bytes.fromhex(run[: len(run) & ~1]))

    @override
    def _device_wrote(self, flash: bytes) -> None:
        super()._device_wrote(flash)
        self.house.ledger.stored(flash)

    @override
    def _left(self, sent: Sent) -> None:
        super()._left(sent)
        if sent.name == "GROUP":
            self.sendings[sent.data] += 1
            self.house.frames.append(sent.data)
