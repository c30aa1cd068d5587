"""The negotiations that run: over one REQ, and perhaps some whose hub's user still compares (protocol.md 5 and 9)."""

from . import tables
from .errors import DropError, StateError, StorageError
from .pairing import NO_ROOM, earliest
from .suites import PAPER_ID, find
from .waiting import Unsaved


class Round:
    """At least one negotiation; ``pairing`` is told how each ends, and drops this object with the last one."""

    def __init__(self, pairing, parameters):
        self._pairing = pairing
        self._host = pairing.host
        self._parameters = parameters
        self.negotiations = []

    @property
    def on_air(self):
        """A negotiation that has random packets to broadcast, or None."""
        for machine in self.negotiations:
            if machine.broadcasting:
                return machine
        return None

    @property
    def deadline(self):
        """When ``poll`` wants to be called."""
        first = None
        for machine in self.negotiations:
            first = earliest(first, machine.deadline)
        return first

    def find(self, identity):
        """Return the negotiation with this hub, or None."""
        for machine in self.negotiations:
            if machine.identity == identity:
                return machine
        return None

    # --- what happens ------------------------------------------------------------------------------------------

    def ask(self, link, now):
        """Send REQ: one without an answer, else the one that is on the air if its broadcast has most of its packets to come, else a new one."""
        machine = self._unanswered()
        if machine is None:
            machine = self._join(now) or self._begin(now)
            if machine is None:
                return
            self.negotiations.append(machine)
        link.send(machine.request.frame)

    def _unanswered(self):
        for machine in self.negotiations:
            if machine.state == tables.REQUESTED:
                return machine
        return None

    def _join(self, now):
        for machine in self.negotiations:
            if machine.joinable:
                return machine.sibling(self._host.urandom, now)
        return None

    def _begin(self, now):
        """Return a negotiation over a new REQ; None while another one is on the air."""
        for machine in self.negotiations:
            if machine.state != tables.OPENED:
                return None
        parameters, urandom, identity = self._parameters, self._host.urandom, self._host.keyring.identity
        if parameters.paper:
            from .paper.negotiation import begin_paper  # noqa: PLC0415  # a small heap pays for it while it is needed

            machine = begin_paper(find(PAPER_ID), identity, parameters, urandom, now)
        else:
            from .negotiation import begin  # noqa: PLC0415  # as above

            machine = begin(identity, parameters, urandom, now)
        machine.request.admits = self._admits
        machine.request.only = self._pairing.only
        return machine

    def _admits(self, identity, relay):
        """Return whether this hub may answer our REQ; who stands at the device hears of a lack of room.

        A relay's key is made without a code: under the name of a hub that has a key it would be a way around it.
        """
        peer = self._host.peers.get(identity)
        if peer is not None and peer.relay != relay:
            return False
        fits = self._pairing.admits(identity)
        if not fits:
            self._host.emit("error", NO_ROOM, identity)
        return fits

    def contacted(self, link, now):
        """Somebody has subscribed: who was asked before is asked again, byte for byte, for it may have been lost with the link.

        A REQ for one relay alone waits for those who show that they are somebody else.
        """
        for machine in self.negotiations:
            if machine.state == tables.REQUESTED:
                if not machine.request.only:
                    link.send(machine.request.frame)
                    self._pairing.request_at = None
            elif len(self.negotiations) == 1:
                machine.contacted(now)

    def left(self):
        """A link is gone."""
        for machine in self.negotiations:
            machine.left()

    def poll(self, now):
        """End what has timed out."""
        for machine in list(self.negotiations):
            if now >= machine.deadline:
                silent = machine.state == tables.BROADCASTING
                machine.expire(now)
                self._failed(machine, now)
                if silent:
                    self._pairing.forgotten_by(now)

    def cancel(self, now):
        """A new local action ends all."""
        for machine in list(self.negotiations):
            machine.fail("cancelled")
            self._failed(machine, now)

    def end(self, identity):
        """The key with this hub is in use: all that led to it is over, and a request of the same broadcast that nobody has answered."""
        for done in self._opened(identity):
            for machine in list(self.negotiations):
                if machine is done or (machine.state == tables.REQUESTED and machine.answered is done.answered):
                    machine.fail(None)
                    self._remove(machine)

    def supersede(self, identity, now):
        """The key that this hub's user was asked about is gone."""
        for machine in self._opened(identity):
            machine.fail("refused")
            self._failed(machine, now)

    def _opened(self, identity):
        """Return those that wait for this hub's user: more than one, if the hub has begun anew."""
        return [machine for machine in self.negotiations if machine.identity == identity and machine.state == tables.OPENED]

    def _remove(self, machine):
        self.negotiations.remove(machine)
        if not self.negotiations:
            self._pairing.round = None

    def _failed(self, machine, now):
        self._remove(machine)
        self._pairing.failed(machine, now)

    # --- frames ------------------------------------------------------------------------------------------------

    def receive(self, frame, link, now):
        """Take a frame of phase 0; DropError when it changes nothing."""
        reason = StateError("not expected")
        candidates = self._candidates(frame, link)
        for machine in candidates:
            before = machine.state
            try:
                answer = machine.receive(frame, now, len(candidates) == 1)
            except DropError as error:
                reason = error
                continue
            link.negotiation = machine  # whose frames come over it
            for peer in self._host.peers.values():
                if machine.identity is not None and peer.identity != machine.identity:
                    peer.lost(link)  # it was taken for the only hub
            if answer or machine.state != before:  # else an ACC has come once more
                self._advance(machine, before, answer, link, now)
            return
        raise reason

    def _candidates(self, frame, link):
        """Return the negotiations that a frame may be meant for: the link's own, else all that expect such a frame."""
        if link.negotiation in self.negotiations:
            return [link.negotiation]
        expecting = [machine for machine in self.negotiations if machine.expects(frame)]
        return expecting or self.negotiations

    def _advance(self, machine, before, answer, link, now):
        self._pairing.request_at = None
        if not machine.running:
            self._failed(machine, now)
        elif machine.state == tables.OPENED and before != tables.OPENED:
            rest = machine.rest()
            rest.unsaved = Unsaved(*machine.begin(machine.take_root()), link, answer)
            self.negotiations[self.negotiations.index(machine)] = link.negotiation = rest
        elif answer:
            link.send(answer)

    def settle(self, now):
        """Put a new key on disk when END has just verified: OPEN must not leave before.

        Nothing of the negotiation but the key is alive then: the write is where a small heap has least to spare.
        """
        for rest in list(self.negotiations):
            unsaved = rest.unsaved
            if unsaved is None:
                continue
            rest.unsaved = None
            try:
                self._host.opened(rest, unsaved)
            except StorageError as error:
                rest.fail(str(error))
                self._failed(rest, now)
            else:
                if unsaved.answer:
                    unsaved.link.send(unsaved.answer)
