"""The communication with one hub: its keys' sessions, the message queue, acknowledgements and resumes.

``host`` is the device around it: ``emit(kind, value, hub)``, ``urandom(n)``, ``keyring``, ``floors``, ``deliver``, ``committed``,
``renewed`` and ``forgotten``.
"""

from . import adverts, limits, tables
from .errors import DeviceError, StateError, TagError
from .frames import R2, RNAK
from .keyring import carried
from .session import FORGET, GROUP_KEY, READINGS, RELAY, ROUTE, encode_text

RESUME = (R2, RNAK)  # what only counts on the link of the resume that runs
CARRIED = (RELAY, ROUTE)  # part of a path: worth nothing later, harmless twice


class Message:
    """One queued message; it gets its id at the first sending and keeps it."""

    told = True  # whether the program hears what becomes of it

    def __init__(self, kind, body):
        self.kind = kind
        self.body = body
        self.number = None


class Peer:
    """Everything this device knows about one hub, in one object."""

    def __init__(self, identity, host):
        self.identity = identity
        self.relay = False  # whether it only carries frames of hubs to us (protocol.md 10)
        self.queue = []
        self._host = host
        self._resume = None  # the running one
        self._mean = None  # of the time from one attempt to its acknowledgement, SRTT; the DACK names its attempt, so every one is exact
        self._deviation = 0
        self._retry_at = None
        self._link = None
        self._renewed = False  # a resume on this connection, and no message of the hub since

    # --- state -------------------------------------------------------------------------------------------------

    @property
    def entries(self):
        """The keys shared with this hub, newest pairing first."""
        return self._host.keyring.of(self.identity)

    @property
    def committed(self):
        """Whether it has used its key."""
        return self._host.keyring.committed(self.identity) is not None

    @property
    def session(self):
        """The session under the committed key, or None."""
        for entry in self.entries:
            if entry.committed:
                return entry.session
        return None

    @property
    def state(self):
        """The state of tables.PEER."""
        if self._resume is not None:
            return tables.RESUMING
        session = self.session
        if session is not None:
            return tables.FROZEN if session.frozen else tables.RUNNING
        for entry in self.entries:
            if entry.session is not None:
                return tables.RUNNING
        return tables.NO_CHAIN

    @property
    def beacon_state(self):
        """What the beacon has to say for this hub's sake; 0 while it has no key in use, and for a relay."""
        if not self.committed or self.relay:
            return adverts.READY
        if self.needs_resume:
            return adverts.FORGETFUL
        return adverts.WAITING if self.queue else adverts.PAIRED

    @property
    def here(self):
        """Whether this hub is at the other end of the link, or of a path over it."""
        return self._link is not None

    @property
    def waits(self):
        """Whether this hub is expected: to fetch a message, to resume, or to use its new key for the first time; never a relay."""
        return not self.relay and (bool(self.queue) or self.beacon_state in (adverts.READY, adverts.FORGETFUL))

    @property
    def busy(self):
        """Whether an answer of this hub is expected on its link."""
        return self._resume is not None or not (self.session is None or self.session.sender.idle)

    @property
    def needs_resume(self):
        """Whether the chain is lost or frozen: beacon state 3."""
        session = self.session
        return session is None or session.frozen

    @property
    def deadline(self):
        """When ``poll`` wants to be called, or None."""
        return self._retry_at if self._may_send() and not self.session.sender.idle else None

    def _may_send(self):
        session = self.session
        free = self._link is not None and self._resume is None
        return free and session is not None and not session.frozen and not session.full

    # --- link and time -----------------------------------------------------------------------------------------

    def contacted(self, link, now):
        """The hub is at the other end of this link: go on with the outstanding message, or the next one."""
        self.linked(link)
        self.poll(now)

    def linked(self, link):
        """Take the link that this pairing was made on, or that the hub has shown up on."""
        if link is not self._link:
            self._resume, self._renewed = None, False
            self._link, self._retry_at = link, 0

    def lost(self, link):
        """The link is gone, and with it a running resume."""
        if link is self._link:
            self._link, self._resume, self._renewed = None, None, False

    def forget_resume(self):
        """OPEN ends a running resume."""
        self._resume = None

    def poll(self, now):
        """Retry the outstanding message when it is due, else send the next one."""
        if not self._may_send():
            return
        sender = self.session.sender
        if sender.idle:
            self._send_next(now)
        elif now >= self._retry_at:
            self._retry(sender, now)

    def _send_next(self, now):
        if not self.queue or len(self.queue[0].body) > self._link.max_body:
            return
        message = self.queue[0]
        if message.number is None:
            message.number = self.session.next_number()
        self.session.sender.load(encode_text(message.kind, message.number, message.body))
        self._attempt(self.session.sender, now)

    def _retry(self, sender, now):
        if sender.exhausted:
            self._freeze()
        else:
            self._attempt(sender, now)

    def _freeze(self):
        self.session.frozen = True
        self._tell("undelivered", self.queue[0])

    def _tell(self, kind, message):
        if message.told:
            self._emit(kind, message.number)

    def _emit(self, kind, value):
        self._host.emit(kind, value, self.identity)

    def _attempt(self, sender, now):
        self._link.send(sender.attempt(self._host.urandom(sender.entropy_bytes), now))
        self._retry_at = now + self._timeout()

    def _sample(self, milliseconds):
        if self._mean is None:
            self._mean, self._deviation = milliseconds, milliseconds // 2
            return
        self._deviation += (abs(milliseconds - self._mean) - self._deviation) // 4
        self._mean += (milliseconds - self._mean) // 8

    def _timeout(self):
        """RTO = SRTT + 4·var in ms, within its bounds."""
        if self._mean is None:
            return limits.RTO_FIRST
        return max(limits.RTO_MIN, min(limits.RTO_MAX, self._mean + 4 * self._deviation))

    # --- messages out ------------------------------------------------------------------------------------------

    def send(self, kind, body, now):
        """Queue a message and send it when its turn comes; DeviceError when it is too long or the queue is full.

        READINGS replace those that were never sent: a hub that was away wants the newest state, not the history.
        """
        longest = limits.MAX_INNER_BODY if carried(self._host.keyring.entries) else self.entries[0].suite.max_body
        if len(body) > longest:
            raise DeviceError("message too long: at most %d bytes" % longest)
        if kind == READINGS:
            for other in list(self.queue):
                if other.kind == READINGS and other.number is None:
                    self.queue.remove(other)
        if len(self.queue) >= limits.MAX_QUEUE:
            raise DeviceError("queue full: the hub has not been here for %d messages" % limits.MAX_QUEUE)
        self.queue.append(Message(kind, body))
        self.poll(now)

    def renumber(self, queue):
        """Begin a new pairing with ``queue`` and what waits, under new ids.

        What was sent under the old pairing may have arrived, and nobody would notice the repeat under a new id: only
        readings, which may be repeated, go out again.
        """
        for message in self.queue:
            if message.number is None:
                queue.append(message)
            elif message.kind == READINGS:
                queue.append(Message(message.kind, message.body))
            else:
                self._tell("undelivered", message)
        self.queue = queue

    # --- frames in ---------------------------------------------------------------------------------------------

    def receive(self, frame, link, now):
        """Take one frame that came over ``link``; DropError when it changes nothing."""
        if frame.paper != self.entries[0].suite.paper or (frame.kind in RESUME and link is not self._link):
            raise StateError("another suite's frame, or another link than the resume's")
        name = tables.handler(tables.PEER, self.state, frame.kind)
        getattr(self, "_" + name)(frame, link, now)
        self.contacted(link, now)

    def _data(self, frame, link, now):
        for entry in self.entries:
            if entry.session is not None and self._try_data(entry, frame, link, now):
                return
        raise TagError("DATA")

    def _try_data(self, entry, frame, link, now):
        receiver = entry.session.receiver
        stored = receiver.repeated(frame)
        if stored is not None:
            link.send(stored)
            return True
        try:
            accepted = receiver.open(frame, self._host.urandom(receiver.entropy_bytes))
        except TagError:
            return False
        self._accept(entry, accepted, link, now)
        return True

    def _accept(self, entry, accepted, link, now):
        """Store commit and mark in one write, then acknowledge, then act: at most once, also after a crash."""
        if self._renewed and accepted.kind == FORGET:
            self._leave(accepted, link)
            return
        self._renewed = False
        first, fresh = not entry.committed, accepted.number > entry.mark
        if first or accepted.saved or (fresh and accepted.kind not in CARRIED):
            floors = self._host.floors(self, accepted) if accepted.kind == GROUP_KEY and not self.relay else None
            self._host.keyring.mark(entry, max(entry.mark, accepted.number), accepted.saved, floors)
        elif fresh:
            entry.mark = accepted.number
        session = entry.session
        session.receiver.commit(accepted)
        session.messages += 1
        link.send(accepted.dack)
        if first:
            self._host.committed(self)
        if fresh:
            self._host.deliver(self, accepted, link, now)

    def _leave(self, accepted, link):
        """Forget this hub, which has forgotten us.

        Believed only as the first message after a resume on this connection: who can resume holds the pairing anyway, while a
        thief of the chain keys, who is out at the next epoch, must not be able to make this device pair anew.
        """
        self._host.keyring.drop(self.identity)
        link.send(accepted.dack)
        self._host.forgotten(self)

    def _acknowledgement(self, frame, link, now):
        session = self.session
        if session is None or session.sender.idle:
            raise StateError("nothing is outstanding")
        sent_at = session.sender.acknowledge(frame, self._save)
        if sent_at is None:
            self._freeze()
            return
        session.messages += 1
        session.frozen = False
        self._sample(now - sent_at)
        self._tell("delivered", self.queue.pop(0))

    def _save(self, saved):
        """Store a W-round key of the sending chain before it is used (suite ``paper``)."""
        entry = self._host.keyring.committed(self.identity)
        self._host.keyring.mark(entry, entry.mark, saved)

    def _hello(self, frame, link, now):
        if link.hellos >= limits.MAX_R0:
            raise StateError("too many R0")
        link.hellos += 1
        self.linked(link)
        resume = self._resume or self.entries[0].suite.resume()
        urandom = self._host.urandom
        link.send(resume.answer(frame, self.entries, urandom(16), urandom(32)))
        self._resume = resume

    def _no_epoch(self, frame, link, now):
        self._resume.ended(frame)
        self._resume = None
        self._emit("resume_refused", None)

    def _new_epoch(self, frame, link, now):
        renewal = self._resume.renew(frame)
        entry = renewal.entry
        self._host.keyring.renew(entry, renewal.epoch, renewal.store, renewal.session)
        self._resume, self._renewed = None, True
        link.send(renewal.frame)
        if renewal.possible_clone:
            self._emit("possible_clone", None)
        if not entry.committed:
            self._host.committed(self)
        self._host.renewed(self, renewal.epoch, now)
