"""What the messages of hubs lead to."""

from .session import BYTES, GROUP_KEY, RELAY, ROUTE, TEXT, VERIFIED


class Inbox:
    """The part of a device that takes accepted messages, and loads what knows groups and paths with the first of them (protocol.md 9, 10)."""

    paths = None  # path.Paths, once a ROUTE or RELAY has come over the link
    groups = None  # group.Groups
    group = None  # gid of the group that the text or readings of the present event came for

    def deliver(self, peer, message, link, now):
        """Hand a message of a hub to the program; its mark is on disk, unless it is part of a path."""
        if message.kind in (RELAY, ROUTE):
            self.load_paths().receive(peer, message, link, now)
        elif peer.relay:
            return
        elif message.kind == TEXT:
            self.deliver_text(message.body, peer.identity)
        elif message.kind == BYTES:
            self.emit("bytes", message.body, peer.identity)
        elif message.kind == VERIFIED and len(message.body) == 1:
            self.emit("verified", message.body == b"\x01", peer.identity)
        elif message.kind == GROUP_KEY and self.groups is not None:
            self.groups.take(peer, message.body, now)

    def deliver_text(self, body, hub):
        """Hand a text to the program."""
        try:
            self.emit("text", body.decode(), hub)
        except UnicodeError:
            self.emit("error", "a text that is not UTF-8", hub)

    def load_paths(self):
        """Load what knows paths, and return it."""
        if self.paths is None:
            from .path import Paths  # noqa: PLC0415  # a device beside its hub never pays for it

            self.paths = Paths(self, self._pairing)
        return self.paths

    def load_groups(self):
        """Load what knows groups, unless this firmware has left it out; return whether it is there."""
        if self.groups is None:
            try:
                from .group import Groups  # noqa: PLC0415  # only who is in a group pays for its memory
            except ImportError:
                return False
            self.groups = Groups(self)
        return True

    def floors(self, peer, message):
        """Return what the keyring has to store with the mark of a GROUP_KEY, or None."""
        return self.groups.floors(peer.identity, message.body) if self.load_groups() else None
