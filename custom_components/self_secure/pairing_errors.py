"""Why an attempt to pair ended; each has a text of its own in the dialog."""

from typing import Final, override

from .protocol.errors import Cause
from .transport.link import LinkErrorKind

_TOLD_APART: Final = frozenset({LinkErrorKind.NO_SLOT, LinkErrorKind.UNSUPPORTED})
"""Links that cannot be opened for a reason of which a person can do something."""


class PairingError(Exception):
    """The attempt is over without a key; nothing of it is stored.

    Args:
        cause: of the protocol.
        suspicious: somebody may sit between.
        link: why the last connection could not be made, if that is what went wrong.
    """

    def __init__(self, cause: Cause, suspicious: bool, link: LinkErrorKind | None = None) -> None:
        super().__init__(cause.value)
        self.cause = cause
        self.suspicious = suspicious
        self.link = link

    @property
    def reason(self) -> str:
        """Key of the text that tells it."""
        if self.suspicious:
            return f"{self.cause.value}_suspicious"
        if self.cause is Cause.TIMEOUT and self.link in _TOLD_APART:
            return self.link.value
        return self.cause.value


class AlreadyPairedError(PairingError):
    """Behind this beacon is a device that has its own entry."""


class UnexpectedError(PairingError):
    """A defect; the log has it."""

    def __init__(self) -> None:
        super().__init__(Cause.CANCELLED, suspicious=False)

    @property
    @override
    def reason(self) -> str:
        return "unexpected"


class UnreachableError(PairingError):
    """There is no way to connect; the device has heard nothing."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(Cause.TIMEOUT, suspicious=False)
        self._reason = reason
        self.detail = detail

    @property
    @override
    def reason(self) -> str:
        return self._reason
