"""The hub of this soak: the reference hub, whose power can be cut, and what it says, judged at once."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, override

from custom_components.self_secure.protocol.errors import Cause, LocalError
from custom_components.self_secure.protocol.events import (
    CodeReady,
    EpochStarted,
    Event,
    FrameDropped,
    MessageAbandoned,
    MessageDelivered,
    MessageReceived,
    MessageType,
    PairingCompleted,
    PairingFailed,
    ResumeFailed,
)
from experiments.soak.air import NAMES
from experiments.soak.power import Power, PowerCutError
from experiments.virtual.hub import LocalHub, MemoryStore
from experiments.virtual.path_hub import PathHub

if TYPE_CHECKING:
    from .world import World

JUDGED: Final = frozenset({MessageType.TEXT, MessageType.BYTES, MessageType.READINGS, MessageType.EVENT})


class Disk(MemoryStore):
    """One device's snapshots; `written` hears of each."""

    def __init__(self, written: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__()
        self._written = written

    @override
    def save(self, snapshot: Mapping[str, Any]) -> None:
        super().save(snapshot)
        self._written(snapshot)


class SoakHub(PathHub):
    """`world` takes its end; all its devices end with it."""

    def __init__(self, world: World, entropy: Callable[[int], bytes], power: Power) -> None:
        super().__init__(world.settings(), entropy)
        self._world, self.power = world, power
        self.bodies: dict[str, dict[int, bytes]] = {}  # of each device's messages that somebody has sent, by handle

    @override
    def _store(self, name: str) -> MemoryStore:
        return Disk(lambda snapshot: self._world.hub_wrote(name, snapshot))

    @override
    def _life(self, store: MemoryStore) -> LocalHub:
        return LocalHub(self._settings, self._entropy, store, point=self.power.point)

    @override
    def tell(self, name: str, method: str, *arguments: Any) -> Any:
        try:
            return super().tell(name, method, *arguments)
        except PowerCutError:
            self._world.hub_died()
            return None

    def try_to(self, name: str, method: str, *arguments: Any) -> bool:
        """Call an input that the connection may refuse; return whether it has not."""
        try:
            self.tell(name, method, *arguments)
        except LocalError as error:
            self._world.counts.rule(f"hub refuses: {type(error).__name__}")
            return False
        return True

    def send(self, name: str, kind: int, body: bytes) -> bool:
        """Queue a message of the user; return whether it was accepted, and the hub has survived it."""
        life = self.lives
        try:
            handle = self.tell(name, "send", kind, body)
        except LocalError as error:
            self._world.counts.rule(f"hub refuses: {type(error).__name__}")
            return False
        if life != self.lives:
            return False
        self.bodies.setdefault(name, {})[handle] = body
        return True

    def die(self) -> None:
        """Lose everything but the disks; the links have to be taken down by the world."""
        self.lives += 1
        self._paths = 0
        self._settings = self._world.settings()
        self.lists.clear()
        self.adoptions.clear()
        for name, line in self.lines.items():
            line.relay, line.direct, line.active, line.path_open, line.leave = "", False, False, False, False
            line.out.clear()
            line.reassembler.reset()
            line.hub = self._life(line.store)
            rows = line.store.snapshot["queue"] if line.store.snapshot else ()
            self.bodies[name] = {handle: bytes.fromhex(row["body"]) for handle, row in enumerate(rows, 1)}

    # --- what it says

    @override
    def _note(self, name: str, event: Event) -> None:
        self.lines[name].events.clear()  # a soak is long
        self._judge(name, event)
        super()._note(name, event)

    def _judge(self, name: str, event: Event) -> None:
        world = self._world
        match event:
            case MessageReceived() | MessageDelivered() | MessageAbandoned():
                self._judge_message(name, event)
            case CodeReady():
                world.counts.rule("hub: CodeReady")
                world.user.code_shown(name, event.code)
            case PairingCompleted() | PairingFailed():
                self._ended(name, event)
            case EpochStarted():
                world.counts.rule(f"hub: EpochStarted {'by resume' if event.resumed else 'by pairing'} with {world.kind(name)}")
                world.user.resumed(name)
            case ResumeFailed():
                world.counts.rule(f"hub: ResumeFailed {event.reason}")
                world.user.resume_failed(name, event.failures)
            case FrameDropped():
                world.counts.rules[f"hub drops {NAMES.get(event.frame_type, 'garbage')}"] += 1
            case _:
                world.counts.rules[f"hub: {type(event).__name__}"] += 1

    def _judge_message(self, name: str, event: MessageReceived | MessageDelivered | MessageAbandoned) -> None:
        world, ledger = self._world, self._world.ledgers[name]
        if isinstance(event, MessageAbandoned):
            world.counts.rules["hub: MessageAbandoned"] += 1
            ledger.given_up(self._body(name, event.handle))
            return
        world.user.sign(name)
        if isinstance(event, MessageReceived):
            if event.type in JUDGED:
                world.counts.rule(f"hub: {MessageType(event.type).name} of {world.kind(name)}")
                ledger.acted("hub", event.body)
        elif body := self._body(name, event.handle):
            world.counts.rule(f"hub: delivered to {world.kind(name)}")
            ledger.confirmed(body)

    def _body(self, name: str, handle: int) -> bytes:
        """Return a message of the user by its handle; empty for one of a path."""
        return self.bodies.get(name, {}).get(handle, b"")

    def _ended(self, name: str, event: PairingCompleted | PairingFailed) -> None:
        cause = "" if isinstance(event, PairingCompleted) else f" {event.cause.value}{', suspicious' if event.suspicious else ''}"
        self._world.counts.rule(f"hub: {type(event).__name__}{cause}")
        self._world.user.pairing_ended(name, completed=not cause)
        if isinstance(event, PairingFailed) and event.cause is Cause.BUSY:
            self._world.user.full.add(name)
