"""One device as the hub sees it: bytes, time and entropy in; events out (architecture.md).

Every input may leave events; whoever drives it drains `events` after each one, makes a `Persist` durable, answers
`persisted`, and drains again. Inputs of one connection are strictly serial.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from . import limits, snapshot
from .epochs import EpochChange
from .errors import Cause, RemoteError, UnexpectedError
from .events import (
    CodeReady,
    Event,
    FrameDropped,
    LinkUnneeded,
    MessageType,
    PairingCompleted,
    PairingFailed,
    PairingRequested,
    StoreFailed,
    Verdict,
)
from .membership import Membership
from .memory import Memory
from .messaging import Messaging
from .opening import read_request
from .outbox import Outbox
from .packets import FrameType, Packet, Request, decode_packet, peek_type
from .session import INTERNAL, Outgoing
from .settings import Settings
from .snapshot import DeviceState, Pairing
from .suites import HYBRID
from .tables import NegotiationState
from .terms import Outcome, Terms
from .window import PairingWindow
from .wire import Means, Wire

__all__ = ["Connection", "Settings"]

_NEGOTIATION: Final = frozenset({FrameType.REQ, FrameType.TAGS, FrameType.ACK, FrameType.OPEN})
_MESSAGING: Final = frozenset({FrameType.DATA, FrameType.DACK, FrameType.R1, FrameType.R3})


class Connection(Membership):
    """Sans-I/O responder for one device; `now` is in seconds, monotonic."""

    def __init__(self, settings: Settings, entropy: Callable[[int], bytes], stored: Mapping[str, Any] | None = None) -> None:
        """Start from a stored snapshot, or with nothing; SnapshotError, SnapshotVersionError if it cannot be used."""
        self._settings = settings
        self._outbox = Outbox()
        self._means = Means(entropy, self._outbox, Wire(self._outbox))
        super().__init__(self._means.wire, PairingWindow(self._means))
        self._handle = INTERNAL
        if stored is not None:
            state = snapshot.decode(stored)
            self._handle = len(state.queue)
            self._messaging = self._messaging_of(state)

    def _messaging_of(self, state: DeviceState) -> Messaging:
        memory = Memory(state, self._settings.omega, self._outbox)
        epochs = EpochChange(memory, self._settings.hub_id, self._means, self._let_go)
        return Messaging(memory, epochs, self._means, self._settings.w, self._window.hold)

    def configure(self, settings: Settings) -> None:
        """Obey other settings: W at once, Ω from the next epoch on, all others from the next pairing on."""
        self._settings = settings
        if self._messaging is not None:
            self._messaging.w, self._messaging.memory.omega = settings.w, settings.omega

    # --- outputs

    def events(self) -> list[Event]:
        """Return what is to be done now, in order; a `Persist` is always the last."""
        return self._outbox.drain()

    @property
    def has_events(self) -> bool:
        """Tell whether `events` is worth a call."""
        return bool(self._outbox)

    # --- the user

    def open_pairing(self, now: float, floor: int | None = None, relayed: bool = False) -> None:
        """Open the window: the user wants a key with this device. LocalError if a negotiation is running.

        `floor` is the weakest suite that the user accepts this time; None: the one of the settings. A pairing that is
        `relayed` runs in `hybrid` whatever they say, and needs the comparison of the code (protocol.md 10).
        """
        self._check_running()
        settings = self._settings
        accepted = settings.floor if floor is None else floor
        terms = Terms(
            hub_id=settings.hub_id,
            floor=HYBRID.id if relayed else accepted,
            relayed=relayed,
            rule=settings.rule,
            human_check=settings.human_check,
            expected_identity=self.identity,
            keys_full=self._keys_full,
        )
        self._window.open(terms, now)

    def _keys_full(self) -> bool:
        return self._messaging is not None and self._messaging.memory.state.keys_held >= limits.KEYS_MAX

    def cancel_pairing(self, now: float) -> None:
        """The user does not want it any more; the device is told if it can be reached."""
        self._window.fail(Cause.CANCELLED, now)

    def answer(self, verdict: Verdict, now: float) -> None:
        """The user's answer to `CodeReady`; LocalError without one."""
        self._heard = now
        outcome = self._window.answer(verdict, now)
        if outcome is not None:
            self._adopt(outcome, verdict is Verdict.SAME, now)

    def send(self, message_type: int, body: bytes, now: float) -> int:
        """Queue a message; return its handle. LocalError of the fitting kind if it cannot be accepted."""
        self._enqueue(self._handle + 1, message_type, body, now)
        self._handle += 1
        return self._handle

    def dismiss(self, now: float) -> int:
        """Let the device forget this hub: FORGET, the first message after a resume, in place of all that waits; return its handle.

        LocalError if there is no key. The caller erases its own key when that is delivered, or is not waited for any more.
        """
        messaging = self._paired()
        self._heard = now
        self._handle += 1
        messaging.dismiss(Outgoing(self._handle, MessageType.FORGET, b""), now)
        return self._handle

    def rotate(self, now: float) -> None:
        """Ask for a new epoch at the next opportunity; LocalError if there can be none."""
        messaging = self._paired()
        messaging.epochs.asked = True
        messaging.pump(now)

    def stop(self, now: float) -> None:
        """Home Assistant is stopping: what is true is written, and nothing changes any more."""
        self._window.fail(Cause.CANCELLED, now)
        if self._messaging is not None and not self._stopped:
            self._messaging.memory.save_if_changed()
        self._stopped = True

    # --- the radio

    def beacon_seen(self, state: int, now: float) -> None:
        """Take the state nibble of a beacon (unauthenticated: it can only cause a contact)."""
        if self._messaging is None or self._wire.is_open:
            return
        self._messaging.beacon_seen(state, now)
        self.timer(now)

    def random_packet(self, scanner: str, sid: int, seq: int, value: bytes, now: float) -> None:
        """Take one random packet as one scanner heard it."""
        if self._window.state is not NegotiationState.COLLECTING:
            return
        try:
            self._window.random_packet(scanner, (sid, seq, value), now)
        except RemoteError as error:
            self._drop(FrameType.RAND, error)

    def link_opened(self, payload: int, now: float, relayed: bool = False) -> None:
        """The link is open and subscribed; `payload` = MTU - 3. Over a path that is `relayed` long messages do not fit."""
        if self._stopped:
            return
        self._heard = now
        self._wire.open(payload)
        self._window.link_opened(now)
        self._part()
        if self._messaging is not None:
            self._messaging.link_opened(now, relayed)

    def link_closed(self, now: float) -> None:
        """The link is gone; chains and a negotiation stay."""
        self._heard = now
        self._wire.close()
        self._window.link_closed(now)
        if self._messaging is not None and not self._stopped:
            self._messaging.link_closed(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take one fragment; whatever does not fit is dropped, counted, and changes nothing."""
        frame = None if self._stopped else self._wire.feed(data)
        if frame is None:
            return
        self._heard = now
        try:
            self._dispatch(decode_packet(frame), now)
        except RemoteError as error:
            self._drop(peek_type(frame), error)

    def timer(self, now: float) -> None:
        """Act on every deadline that has come."""
        self._window.timer(now)
        if self._messaging is not None and not self._stopped:
            self._heard = now
            self._messaging.timer(now)

    # --- the disk

    def persisted(self, now: float) -> None:
        """The last `Persist` is durable: what waited for it leaves now, so its answers are waited for from now on."""
        self._outbox.written()
        if self._messaging is not None:
            self._messaging.delay(now - self._heard)
        self.timer(now)

    def persist_failed(self, _now: float) -> None:
        """The last `Persist` could not be written: this connection must be thrown away."""
        self._stopped = True
        adopting = any(isinstance(event, PairingCompleted) for event in self._outbox.discard())
        if not self._window.abandon(Cause.NOT_STORED) and adopting:
            self._outbox.put(PairingFailed(Cause.NOT_STORED, suspicious=False))
        self._outbox.put(StoreFailed())

    # --- inside

    def _dispatch(self, packet: Packet, now: float) -> None:
        if packet.type in _MESSAGING and self._messaging is not None:
            self._messaging.handle(packet, now)
        elif packet.type in _NEGOTIATION and self.pairing:
            self._negotiate(packet, now)
        elif packet.type is FrameType.REQ:
            self._uninvited(read_request(packet), now)
        elif self._parting is not None and packet.encode() == self._parting[0]:
            self._wire.transmit(self._parting[1])  # a repeated ACK gets the stored END
        else:
            raise UnexpectedError(f"{packet.type.name} is not expected")

    def _uninvited(self, request: Request, now: float) -> None:
        """REQ while no window is open: no answer, and who asks too often is not even reported (rule 6)."""
        self._wire.unanswered = True
        if not self._settings.refusals.admits((self.identity or request.id_i).hex(), now):
            raise UnexpectedError("asks too often")
        self._outbox.put(PairingRequested(request.id_i))

    def _negotiate(self, packet: Packet, now: float) -> None:
        outcome = self._window.receive(packet, now)
        if outcome is None:
            return
        if self._messaging is not None:
            self._messaging.epochs.abort()
        if self.pairing:
            self._outbox.put(CodeReady(outcome.identity, outcome.code), LinkUnneeded())
        else:
            self._adopt(outcome, False, now)  # no code is shown, so nothing was compared

    def _adopt(self, outcome: Outcome, verified: bool, now: float) -> None:
        """Store the key, then tell both the user and the device."""
        record = replace(outcome.record, verified=verified)
        self._messaging = messaging = self._messaging or self._messaging_of(DeviceState(outcome.identity))
        number = 1 + max((pairing.number for pairing in messaging.memory.state.pairings), default=0)
        pairing = Pairing.born(number, record, outcome)
        messaging.adopt(pairing, outcome.root, Outgoing(INTERNAL, MessageType.VERIFIED, bytes([verified])), now)
        self._outbox.put(PairingCompleted(outcome.identity, record))
        self._part()
        messaging.pump(now)

    @property
    def _parting(self) -> tuple[bytes, bytes] | None:
        """ACK and END of suite paper, until the device has used the key: END may be lost."""
        return None if self._messaging is None or self._messaging.memory.committed else self._window.parting

    def _part(self) -> None:
        if self._parting is not None:
            self._wire.transmit(self._parting[1])

    def _let_go(self) -> None:
        """Give the link up, unless a negotiation needs it."""
        if not self._window.exclusive:
            self._wire.let_go()

    def _drop(self, frame_type: int, error: RemoteError) -> None:
        self._dropped += 1
        self._outbox.put(FrameDropped(frame_type, str(error)))
