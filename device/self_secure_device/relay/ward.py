"""The hop to one ward: its chains with the directions swapped, stop and wait, and resumes that we start (protocol.md 6, 7, 10).

``host`` is the relay: what a ``Peer`` asks of its host, and ``pull(ward)``, which returns the next message to carry or None.
"""

from .. import keys, tables as device_tables
from ..keyring import Key
from ..limits import MAX_R0
from ..peer import Peer
from ..session import TO_INITIATOR, TO_RESPONDER, VERIFIED, Receiver, Sender, Session
from . import limits, tables
from .resume import Challenge


class Chains(Session):
    """Both chains of one epoch, from the responder's side."""

    def __init__(self, suite, epoch, root, now):
        super().__init__(suite, epoch, root)
        self.sender = Sender(suite, TO_INITIATOR, epoch, keys.chain_key(root, TO_INITIATOR))
        self.receiver = Receiver(suite, TO_RESPONDER, epoch, keys.chain_key(root, TO_RESPONDER))
        self.ends = now + limits.EPOCH_TIME

    def chains(self):
        """Return CK^0 and CK^1 when nothing of ours is unacknowledged, else None."""
        return (self.receiver.chain, self.sender.chain) if self.sender.idle else None


class Ward(Peer):
    """One device that we carry for."""

    def __init__(self, identity, host):
        super().__init__(identity, host)
        self.address = None  # where it was when it last said something valid
        self.shown = False  # it has, on this link
        self.spent = False  # this link can resume nothing any more
        self.failures = 0  # resumes in a row
        self.lost_memory = False  # its beacon says so
        self.doubtful = False  # and has been saying so since before the last resume: it may mean another one's chains
        self._challenge = None  # the running resume
        self._fresh = None  # the key that it leads to
        self._until = None  # when it has failed
        self._hellos = 0  # R0 on this link
        self._tries = 0  # of the outstanding message, at the hop's own Ω

    # --- state -------------------------------------------------------------------------------------------------

    @property
    def session(self):
        """The newest session: a responder sends under a key before the ward has used it (VERIFIED)."""
        for entry in self.entries:
            if entry.session is not None:
                return entry.session
        return None

    @property
    def idle(self):
        """Whether nothing is outstanding or running."""
        session = self.session
        return self._challenge is None and (session is None or session.sender.idle)

    @property
    def deadline(self):
        """When ``poll`` wants to be called, or None."""
        return self._until if self._challenge is not None else super().deadline

    def _may_send(self):
        session = self.session
        return self._link is not None and self._challenge is None and session is not None and not session.frozen

    def _due(self, now):
        session = self.session
        if session is None or session.frozen or self.lost_memory or session.messages >= limits.EPOCH_MESSAGES_MAX:
            return True
        return session.sender.idle and (session.messages >= limits.EPOCH_MESSAGES or now >= session.ends)

    # --- link and time -----------------------------------------------------------------------------------------

    def begin(self, verified):
        """Begin a new pairing, on the link that it was made on."""
        self.queue = [verified]
        self._challenge = None
        self.shown = self.lost_memory = False
        self.failures = 0

    def beacon_seen(self, forgetful):
        """Take whether its beacon says that chains are lost; what it still says after a resume is not ours to believe."""
        self.doubtful &= forgetful
        self.lost_memory = forgetful and not self.doubtful

    def lost(self, link):
        """The link is gone: a running resume dies, and what was meant for it was never sent."""
        super().lost(link)
        self._challenge = None
        self.shown = self.spent = False
        self._hellos = 0
        kept = []
        for message in self.queue:
            if message.number is not None or message.kind == VERIFIED:
                kept.append(message)
        self.queue = kept

    def poll(self, now):
        """Give a resume up, start one, send what is next or due."""
        if self._challenge is not None and now >= self._until:
            self._failed()
        self._renew(now)
        super().poll(now)
        self._renew(now)

    def _renew(self, now):
        if self._link is None or self._challenge is not None or self.spent or not self._due(now):
            return
        if self._hellos >= MAX_R0:
            self.spent = True
            return
        self._hellos += 1
        self._challenge = Challenge(self._host.identity, self._host.urandom(16))
        self.stage, self._until = tables.CHALLENGED, now + limits.RESUME_TIME
        self._link.send(self._challenge.hello)

    def _failed(self):
        self._challenge = None
        self.spent = True
        self.failures += 1
        if self.failures == limits.MAX_FAILURES:
            self._host.reconsidered()

    # --- messages ----------------------------------------------------------------------------------------------

    def _send_next(self, now):
        if not self.queue:
            message = self._host.pull(self)
            if message is None:
                return
            self.queue.append(message)
        self._tries = 0
        super()._send_next(now)

    def _retry(self, sender, now):
        self._tries += 1
        if self._tries > limits.RETRIES:
            self._freeze()
        else:
            super()._retry(sender, now)

    # --- frames ------------------------------------------------------------------------------------------------

    def receive(self, frame, link, now):
        """Take one frame of phase 1 or 2; DropError when it changes nothing."""
        stage = tables.IDLE if self._challenge is None else self.stage
        name = device_tables.handler(tables.HOP, stage, frame.kind)
        getattr(self, "_" + name)(frame, link, now)
        self.poll(now)

    def _data(self, frame, link, now):
        super()._data(frame, link, now)
        self.shown = True

    def _acknowledgement(self, frame, link, now):
        super()._acknowledgement(frame, link, now)
        self.shown = True
        entry = self.entries[0]
        if not entry.committed:  # its first frame under a new key: older ones go
            self._host.keyring.mark(entry, entry.mark)

    def _offer(self, frame, link, now):
        answer = self._challenge.offer(frame, self.entries, self._chains, self._host.urandom(32))
        if answer is None:
            link.send(self._challenge.refusal)
            self._failed()
            return
        base = answer.base
        self._fresh = Key(self.identity, base.suite, base.pairing, answer.epoch, keys.store_key(answer.root), True, base.mark)
        self._host.keyring.stage(base, self._fresh)
        self.stage, self._until = tables.ANSWERED, now + limits.RESUME_TIME
        link.send(answer.frame)
        if answer.possible_clone:
            self._emit("possible_clone", None)

    def _chains(self, entry):
        return entry.session.chains() if entry.session is not None else None

    def _repeated_offer(self, frame, link, now):
        link.send(self._challenge.repeated(frame))

    def _finish(self, frame, link, now):
        self._challenge.finish(frame)
        answer, fresh = self._challenge.answer, self._fresh
        fresh.mark = self.entries[0].mark
        fresh.session = Chains(fresh.suite, answer.epoch, answer.root, now)
        self._host.keyring.settle(fresh)
        self._challenge = None
        if self.failures >= limits.MAX_FAILURES:
            self._host.reconsidered()
        self.shown, self.failures = True, 0
        self.lost_memory, self.doubtful = False, True
