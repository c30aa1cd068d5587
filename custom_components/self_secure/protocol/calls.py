"""What a device's beacon asks for: a contact, if it means this hub (protocol.md 3 and 9)."""

from typing import Final

from . import limits

_DOUBLINGS_MAX: Final = 8  # 2^8 rests are beyond the longest one


class Calls:
    """The device's calls for a contact: it has data, or (said after a resume) has lost chains.

    With several hubs a call may be meant for another one, and stays on the air until that one comes. A contact that such a call
    led to and that brought nothing was in vain; then this hub rests, longer every time, so that the others get their turn and a
    hub that is away does not make all others come for ever.
    """

    def __init__(self) -> None:
        """Nothing has been heard yet."""
        self.asked = False  # a contact is to be made
        self._calling = False  # what the beacon said last
        self._followed = False  # the present link was opened for a call
        self._greet_at: float | None = None  # a device of several hubs says nothing until it knows which of them is there
        self._answered_at: float | None = None  # when it knew; since then it has said nothing new
        self._in_vain = 0  # contacts in a row
        self._rest_until: float | None = None

    @property
    def deadline(self) -> float | None:
        """When `timer` or `greeting_due` has something to say."""
        times = (self._greet_at, self._rest_until if self._calling else None)
        return min((time for time in times if time is not None), default=None)

    # --- the beacon

    def heard(self, calling: bool) -> None:
        """Take what a beacon says; a device that has stopped calling means something new the next time."""
        if not calling:
            self._in_vain, self._rest_until = 0, None
        self._calling = calling
        self.asked |= calling and self._rest_until is None

    def timer(self, now: float) -> None:
        """End a rest that is over."""
        if self._rest_until is not None and now >= self._rest_until:
            self._rest_until = None
            self.asked |= self._calling

    # --- the link

    def link_opened(self, now: float) -> None:
        """A link that was opened for a call needs a greeting."""
        self._followed, self.asked, self._answered_at = self.asked, False, None
        self._calling = False  # whoever still calls after this contact says so again
        self._greet_at = now + limits.GREETING_DELAY if self._followed else None

    def greeting_due(self, now: float) -> bool:
        """Tell, once, that this hub should say who it is."""
        due = self._greet_at is not None and now >= self._greet_at
        self._greet_at = None if due else self._greet_at
        return due

    def spoke(self) -> None:
        """The device speaks: it knows who is there."""
        self._greet_at = None

    def answered(self, now: float) -> None:
        """It has acknowledged something; if it says nothing now, the call was for another hub."""
        if self._followed and self._answered_at is None:
            self._answered_at = now

    def met(self) -> None:
        """It has said something new: it meant this hub."""
        self._followed, self._answered_at = False, None
        self._in_vain, self._rest_until = 0, None

    def link_closed(self, now: float) -> None:
        """Rest after a contact in vain: one in which the device could have said something."""
        if self._answered_at is not None and now >= self._answered_at + limits.CALL_SILENCE:
            rest = limits.CALL_REST_FIRST * 2.0 ** min(self._in_vain, _DOUBLINGS_MAX)
            self._rest_until = now + min(limits.CALL_REST_MAX, rest)
            self._in_vain += 1
        self._answered_at = self._greet_at = None
