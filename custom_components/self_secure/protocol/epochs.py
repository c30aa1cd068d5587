"""The change of epochs, as the hub starts it: when, how often, and what is written in between (protocol.md 7)."""

from collections.abc import Callable
import math
from typing import Final

from . import limits
from .events import CloneSuspected, EpochStarted, ResumeFailed, StaleKeyHinted
from .memory import Memory
from .packets import Packet
from .paper_resume import PaperResumeResponder
from .resume import HeldKey, Live, ResumeResponder
from .session import Session
from .tables import RESUME, ResumeState, SenderState, handler_of
from .wire import Means

_DOUBLINGS_MAX: Final = 16  # 2^16 rests are far beyond the longest


class EpochChange:
    """Starts and answers resumes; the messages ask it whether they may go out."""

    def __init__(self, memory: Memory, id_r: bytes, means: Means, let_go: Callable[[], None]) -> None:
        """Renew the chains in `memory`; `let_go` ends a link that has become useless."""
        self._memory, self._let_go = memory, let_go
        self._responders = {False: ResumeResponder(id_r, means.entropy), True: PaperResumeResponder(id_r, means.entropy)}
        self._resume = self._responders[False]
        self._outbox, self._wire = means.outbox, means.wire
        self.running = False  # R0 has left: no DATA of ours before a resume completed
        self.lost_memory = False  # the device says so (beacon state 3)
        self.is_doubtful = False  # it has been saying so since before the last resume: it may mean another hub's chains
        self.asked = False  # at the next opportunity
        self.failures = 0  # in a row
        self.completed = self.failed = 0  # in all
        self._gave_up = False  # on this connection
        self._rest_until: float | None = None

    # --- when

    @property
    def needed(self) -> bool:
        """Tell whether no DATA of ours may go out before a resume."""
        session = self._memory.session
        return session is None or self.running or self.lost_memory or session.sending.state is SenderState.FROZEN

    @property
    def overdue(self) -> bool:
        """Tell whether R0 is due whatever is outstanding."""
        session = self._memory.session
        if session is None or self.needed:
            return True
        return not session.suite.has_rounds and session.messages >= limits.EPOCH_MESSAGES_MAX

    def due(self, w: int, now: float, held: bool) -> bool:
        """Tell whether R0 is to be sent at this contact; `w` = messages of an epoch, W; what is `held` back is not waited for."""
        session = self._memory.session
        if session is None or self.overdue:
            return True
        over = self.asked or (not session.suite.has_rounds and session.messages >= w) or now >= _end(session)
        return (over and session.sending.message is None) or (self.asked and held)

    @property
    def waiting(self) -> bool:
        """Tell whether an answer of the device, or the next connection, comes first."""
        return self._gave_up or self._resume.state is not ResumeState.IDLE

    @property
    def wants_link(self) -> bool:
        """Tell whether it is worth a connection of our own."""
        return (self.needed or self.asked) and self._rest_until is None

    @property
    def deadline(self) -> float | None:
        """When `timer` wants to be called."""
        session = self._memory.session
        age = _end(session) if session and not self.asked else math.inf
        times = [time for time in (self._resume.deadline, self._rest_until, age) if time is not None and time < math.inf]
        return min(times, default=None)

    def beacon_seen(self, lost: bool) -> None:
        """Take whether the beacon says that chains are lost; what it still says after a resume is not ours to believe."""
        self.is_doubtful &= lost
        self.lost_memory |= lost and not self.is_doubtful

    def unanswered(self) -> None:
        """A message was not acknowledged in time: what the beacon says may be true after all."""
        self.lost_memory |= self.is_doubtful

    def timer(self, now: float) -> None:
        """Act on deadlines: an answer that did not come, a rest that is over, an epoch of 24 h."""
        session = self._memory.session
        if self._resume.deadline is not None and now >= self._resume.deadline:
            self._fail("unanswered", now)
        if self._rest_until is not None and now >= self._rest_until:
            self._rest_until = None
        self.asked |= session is not None and now >= _end(session)

    def delay(self, seconds: float) -> None:
        """Shift the deadline of an answer: a write held back what it answers."""
        if self._resume.deadline is not None:
            self._resume.deadline += seconds

    # --- the link and the pairing

    def link_opened(self) -> None:
        """Each contact is worth an attempt."""
        self._gave_up = False

    def link_closed(self) -> None:
        """The resume's memory dies."""
        for responder in self._responders.values():
            responder.reset()

    def abort(self) -> None:
        """OPEN of a negotiation ends a running resume (protocol.md 5 rule 7)."""
        self._resume.abandon()

    def superseded(self) -> None:
        """A new pairing has chains of its own."""
        self._resume.abandon()
        self._settle()

    def _settle(self) -> None:
        self.running = self.lost_memory = self.asked = self._gave_up = False
        self._rest_until, self.failures = None, 0

    # --- how

    def challenge(self, now: float) -> None:
        """Send R0; a device takes three per connection, the next one goes out on a new one."""
        if sum(responder.challenges for responder in self._responders.values()) == limits.R0_PER_CONNECTION:
            self.asked = self._gave_up = True
            self._let_go()
            return
        self._resume = self._responders[self._memory.stores_rounds]
        self.running = True
        self._wire.transmit(self._resume.challenge(now))

    def handle(self, packet: Packet, now: float) -> None:
        """Take R1 or R3; RemoteError if nothing changed."""
        getattr(self, handler_of(RESUME, self._resume.state, packet.type))(packet, now)

    def on_offer(self, packet: Packet, now: float) -> None:
        """R1: write {SK_e*, SK_e'}, then answer R2; without a common epoch answer RNAK and erase nothing."""
        answer = self._resume.on_offer(packet, self._memory.state.held(), self._live_of, now)
        if answer is None:
            self._hint(packet)
            self._wire.transmit(self._resume.refusal(packet))
            self._fail("no_common_epoch", now)
            return
        self._memory.commit(self._memory.state.stage(answer))
        self._memory.save()
        self._wire.transmit(answer.frame)
        if answer.clone:
            self._outbox.put(CloneSuspected())

    def _hint(self, packet: Packet) -> None:
        known = {key.key.kid for key in self._memory.state.held()}
        kids = self._resume.offered_kids(packet)
        if not kids & known and kids & set(self._memory.state.kids):
            self._outbox.put(StaleKeyHinted())

    def _live_of(self, key: HeldKey) -> Live:
        session = self._memory.session_of(key.pairing)
        if session is None or session.epoch != key.epoch:
            return Live()
        return Live(*session.live())

    def on_repeated_offer(self, packet: Packet, _now: float) -> None:
        """An identical R1 gets the stored R2."""
        self._wire.transmit(self._resume.on_repeated_offer(packet))

    def on_finish(self, packet: Packet, now: float) -> None:
        """R3: write {SK_e'}, then start the new chains."""
        answer = self._resume.on_finish(packet)
        pairing = self._memory.state.settle(answer)
        session = self._memory.start(pairing, answer.root, answer.epoch, now)
        for direction, number in answer.rounds:
            session.bases[direction] = number
        self._memory.save()
        self.is_doubtful = True  # until the beacon says something else
        self._settle()
        self.completed += 1
        self._outbox.put(EpochStarted(answer.epoch, resumed=True))

    def _fail(self, reason: str, now: float) -> None:
        """Count a failed resume and rest before the next connection for its sake, all keys kept."""
        self._resume.abandon()
        self._gave_up = True
        rest = limits.RESUME_REST_FIRST * 2.0 ** min(self.failures, _DOUBLINGS_MAX)
        self._rest_until = now + min(limits.RESUME_REST_MAX, rest)
        self.failures += 1
        self.failed += 1
        self._outbox.put(ResumeFailed(self.failures, reason))
        self._let_go()


def _end(session: Session) -> float:
    """When its age ends an epoch; suite paper has no such end (protocol.md 8)."""
    return math.inf if session.suite.has_rounds else session.started + limits.EPOCH_SECONDS
