"""The house of this soak: a hub, two relays, a far device; fragments that go astray, ends that come at any point."""

from collections import deque
from collections.abc import Callable, Mapping
import random
from typing import Any, Final, override

from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.settings import Settings
from experiments.soak.counts import Counts, ViolationError
from experiments.soak.ledger import Ledger
from experiments.soak.power import Power, PowerCutError
from experiments.soak.profile import MINIMUM, TARGET_BITS, W
from experiments.soak.reuse import Reuse
from experiments.soak.watch import Watch, mark_in_flash, mark_on_disk
from experiments.virtual.house import HUB, House, Station
from self_secure_device import keyring
from self_secure_device.relay import wards
from simulation.loss import LossModel

from .hub import JUDGED, SoakHub
from .meddler import Meddler
from .nodes import PoweredNode, PoweredRelay, identity_of
from .tap import Tap
from .user import User

HUB_ID: Final = b"C" * 16
FAR, RELAYS = "a", ("b", "d")
NAMES: Final = (FAR, *RELAYS)
NEAR: Final = ((HUB, "b"), (HUB, "d"), ("b", "a"), ("d", "a"), ("b", "d"))
LOSS: Final = 0.2
N_MAX: Final = 512  # the hub's; a relay wants more of a broadcast than this soak's hub does
SPINS_MAX: Final = 300  # steps in which no time passes


class World(House):
    """`step` goes on to the next thing that happens; faults call the other public methods."""

    def __init__(self, seed: int | str, counts: Counts, reuse: Reuse) -> None:
        self.counts, self.reuse = counts, reuse
        self.rng = random.Random(f"{seed} world")
        self.powers = {name: Power("hub" if name == HUB else self.kind(name), counts) for name in (HUB, *NAMES)}
        self.ledgers = {name: Ledger(counts) for name in NAMES}
        self.watches = {name: Watch(HUB_ID) for name in NAMES}
        self.estranged: set[tuple[str, str]] = set()  # relay and device: one of them was reset, the other may have kept its key
        self.heads: dict[str, Any] = {}  # each device's oldest message for the hub before the present input
        self.armed: deque[str] = deque()  # what happens to the next fragments
        self._held: list[tuple[str, str, bytes]] = []
        self._spins = 0
        self.wakes: dict[str, float] = {}  # when who is off comes back
        self.tap = Tap(counts)
        self.meddler = Meddler(counts, random.Random(f"{seed} meddler"))
        keys = random.Random(f"{seed} keys")
        self.user = User(self, random.Random(f"{seed} user"))
        nodes = {name: self._node(name, keys.randbytes) for name in NAMES}
        self.hub: SoakHub = SoakHub(self, keys.randbytes, self.powers[HUB])
        super().__init__(self.hub, nodes, NEAR, lambda one, other: LossModel(f"{seed} {one} {other}", LOSS))
        for name in RELAYS:
            self.meddler.enter(self.relay(name))

    @staticmethod
    def settings() -> Settings:
        """Return the options of a hub that has just started."""
        return Settings(hub_id=HUB_ID, minimum=MINIMUM, target_bits=TARGET_BITS, n_max=N_MAX, w=W)

    def _node(self, name: str, urandom: Callable[[int], bytes]) -> PoweredNode:
        kind = PoweredRelay if name in RELAYS else PoweredNode
        return kind(name, urandom, self.powers[name], self.heard_of, self.wrote)

    @staticmethod
    def kind(name: str) -> str:
        """Return what a device is, for the tables."""
        return "far device" if name == FAR else "relay"

    def node(self, name: str) -> PoweredNode:
        """Return a device."""
        node = self.stations[name].node
        assert isinstance(node, PoweredNode)  # noqa: S101  # made here
        return node

    def relay(self, name: str) -> PoweredRelay:
        """Return a device that is a relay."""
        node = self.node(name)
        assert isinstance(node, PoweredRelay)  # noqa: S101  # made here
        return node

    def peer(self, name: str) -> Any:
        """Return the hub as a device knows it, None while it has no key in use."""
        return next((peer for peer in self.node(name).core.hubs if peer.identity == HUB_ID), None)

    # --- time

    def go_on(self) -> None:
        """Do one step; ViolationError when the world stands still."""
        before = self.now
        self.user.act()
        for name in [name for name, time in self.wakes.items() if time <= self.now]:
            self.switch_on(name)
        self.step(min([self.user.due, *self.wakes.values()]))
        self.counts.now = self.now
        self._spins = 0 if self.now > before else self._spins + 1
        if self._spins > SPINS_MAX:
            raise ViolationError(f"stuck: no time passes at {self.now}")

    # --- fragments

    @override
    def transfer(self, sender: str, receiver: str, fragment: bytes) -> None:
        self.tap.sent(sender, receiver, fragment)
        held, self._held = self._held, []
        for one in self._astray(sender, receiver, fragment):
            super().transfer(sender, receiver, one)
        for late in held:
            self.hand_over(*late)
        if sender != HUB:
            self.guard(sender, self.powers[sender].point, "after send")

    def _astray(self, sender: str, receiver: str, fragment: bytes) -> list[bytes]:
        """Return what arrives in place of a fragment."""
        if not self.armed:
            return [fragment]
        fault = self.armed.popleft()
        self.counts.fault(f"fragment {fault}")
        if fault == "reordered":
            self._held.append((sender, receiver, fragment))
        if fault in ("lost", "reordered"):
            return []
        return [fragment, fragment] if fault == "duplicated" else [self._damaged(fault, fragment)]

    def _damaged(self, fault: str, fragment: bytes) -> bytes:
        if fault == "truncated":
            return fragment[: self.rng.randrange(len(fragment))]
        data = bytearray(fragment)
        data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
        return bytes(data)

    # --- lives

    @override
    def guard(self, name: str, call: Callable[..., Any], *arguments: Any) -> Any:
        self.counts.now = self.now
        peer = self.peer(name)
        self.heads[name] = peer.queue[0] if peer is not None and peer.queue else None
        try:
            result = call(*arguments)
            if result is not None and isinstance(result, bytes):  # a fragment
                self.powers[name].point("before send")
        except PowerCutError:
            self.crash(name)
            return None
        return result

    def crash(self, name: str) -> None:
        """A device's power fails, and comes back: its memory is gone, its storage stays."""
        self.excuse_device(name)
        self.power_off(name)
        self.power_on(name)

    def excuse_device(self, name: str) -> None:
        """What the device's mark covers may not have been acted on; its own queue was in memory."""
        disk = self.disk(name)
        mark = mark_in_flash(disk, self.node(name).stored)
        for row in disk["queue"] if disk else ():
            if row["id"] is not None and row["id"] <= mark:
                self.ledgers[name].crashed_before_acting(bytes.fromhex(row["body"]))
        self.ledgers[name].forgotten("device")

    def switch_off(self, name: str, seconds: float) -> None:
        """Take a device's power for some time."""
        if self.stations[name].on:
            self.excuse_device(name)
            self.power_off(name)
            self.wakes[name] = self.now + seconds

    def switch_on(self, name: str) -> None:
        """Give it back."""
        if self.wakes.pop(name, None) is not None:
            self.power_on(name)

    def note_counters(self, name: str) -> None:
        """Add what a device has counted in this life to the rules."""
        for reason, number in self.node(name).core.counters.items():
            self.counts.rules[f"{self.kind(name)} drops: {reason}"] += number

    @override
    def power_on(self, name: str) -> None:
        self.note_counters(name)
        super().power_on(name)
        if name in RELAYS:
            self.meddler.enter(self.relay(name))

    def hub_died(self) -> None:
        """The hub has ended at some point and starts again from its disks."""
        for name in NAMES:
            head = self._oldest(name)
            if head is not None and head.number is not None:
                if head.number <= mark_on_disk(self.disk(name), self.node(name).core.keyring.committed(HUB_ID)):
                    self.ledgers[name].crashed_before_acting(head.body)
                self.ledgers[name].may_repeat(head.body, readings_only=True)
            self.ledgers[name].hub_ended()
        self.hub.die()
        for station in self.stations.values():
            if station.central == HUB:
                self.disconnect(station.name)
        self.user.hub_restarted()

    def _oldest(self, name: str) -> Any:
        peer = self.peer(name)
        return peer.queue[0] if peer is not None and peer.queue else None

    def remove(self, name: str) -> None:
        """The user deletes a device in the hub, and all that the hub knows of it."""
        self.counts.fault("user: removes a device from the hub")
        head = self._oldest(name)
        if head is not None:
            self.ledgers[name].may_repeat(head.body, readings_only=False)
        self.watches[name].tainted = True
        self.hub.lines[name].store.snapshot = None
        self.ledgers[name].forgotten("hub")
        self.hub_died()  # all devices restart with it: simpler, and one more fault

    def reset(self, name: str) -> None:
        """Factory reset of a device."""
        node = self.node(name)
        self.ledgers[name].forgotten("device")
        self.estranged |= {(relay, other) for relay in RELAYS for other in NAMES if name in (relay, other)}
        if name in RELAYS:
            self.guard(name, self.relay(name).relay.forget)
        self.guard(name, node.core.reset)
        self.disconnect(name)

    # --- storage

    def disk(self, name: str) -> Mapping[str, Any] | None:
        """Return what the hub has on disk of a device."""
        return self.hub.lines[name].store.snapshot

    def hub_wrote(self, name: str, snapshot: Mapping[str, Any]) -> None:
        """The hub has a new snapshot of a device."""
        if self.watches[name].hub_wrote(snapshot):
            self.ledgers[name].replaced([bytes.fromhex(row["body"]) for row in snapshot["queue"]])
        self.watches[name].check_common(snapshot, self.node(name).stored)

    def wrote(self, name: str) -> None:
        """A device has written its keys, or a relay those of its wards."""
        if name not in self.__dict__.get("stations", {}):
            return  # its very first snapshot, without any key
        self.watches[name].device_wrote(self.node(name).stored or b"")
        self.watches[name].check_common(self.disk(name), self.node(name).stored)
        for relay in RELAYS:
            for other in NAMES:
                self._check_hop(relay, other)

    def _check_hop(self, relay: str, name: str) -> None:
        """What a device holds of a relay, the relay holds, too; while they pair, at least one key (protocol.md 7)."""
        flash, snapshot = self.node(name).stored, self.relay(relay).wards
        held = [entry for entry in keyring.decode(flash)[1] if entry.identity == identity_of(relay)] if flash else []
        known = {entry.store for entry in wards.decode(snapshot)} if snapshot else set()
        common = [entry.store in known for entry in held]
        pairing = not all(entry.committed for entry in held)
        if (any(common) if pairing else all(common)) or not any(entry.committed for entry in held):
            self.estranged.discard((relay, name))
        elif (relay, name) not in self.estranged:
            raise ViolationError(f"no common epoch: {name} holds a key of relay {relay} that {relay} does not have")

    # --- what devices say

    def heard_of(self, name: str, kind: str, value: Any) -> None:
        """Take an event of a device."""
        detail = f" {value}" if kind in ("pairing_failed", "error") else ""
        self.counts.rule(f"{self.kind(name)}: {kind}{detail}")
        core, ledger = self.node(name).core, self.ledgers[name]
        if kind in ("text", "bytes"):
            ledger.acted("device", value.encode() if kind == "text" else value)
        elif kind == "delivered":
            head = self.heads.get(name)
            if head is not None and head.kind in JUDGED:
                ledger.confirmed(head.body)
        elif kind == "paired":
            self.watches[name].tainted = False
            queue = core.peers[HUB_ID].queue
            ledger.forgotten("device", {message.body for message in queue})
            for message in queue:
                if message.kind == MessageType.READINGS:
                    ledger.goes_out_twice(message.body)

    # --- whether all is quiet

    def at_rest(self, name: str) -> bool:
        """Whether hub and device have nothing left to say to each other."""
        view, peer = self.hub.lines[name].hub.view, self.peer(name)
        messages = [] if peer is None else [message for message in peer.queue if message.told]
        return view.paired and not view.pairing and not view.queued and peer is not None and not messages

    def look(self, station: Station) -> str:
        """Describe a device in a word or two, for a violation."""
        view, peer = self.hub.lines[station.name].hub.view, self.peer(station.name)
        return (
            f"{station.name}: {view.queued} at the hub, {None if peer is None else len(peer.queue)} at the device,"
            f" paired {view.paired}, pairing {view.pairing}, central {station.central}"
        )
