"""What can go wrong in the demo, with the program whose log explains it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .processes import Process


class DemoError(Exception):
    """A step failed. ``culprit`` is the program that did not do its part; None where nobody is known."""

    def __init__(self, text: str, culprit: Process | None = None) -> None:
        super().__init__(text)
        self.culprit = culprit
