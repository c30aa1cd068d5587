"""Commands typed on the serial console, one a line; nothing is printed back while nothing is typed."""

import select
import sys

from micropython import const

from self_secure_device.errors import DeviceError
from self_secure_device.session import EVENT, TEXT

_MAX_LINE = const(200)  # characters; a longer line is cut


class Console:
    """Reads standard input without waiting, and tells the program."""

    def __init__(self, program):
        self.program = program
        self._line = ""
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)

    def step(self):
        """Take what was typed."""
        while self._poll is not None and self._poll.poll(0):
            character = sys.stdin.read(1)
            if not character:  # the end of a piped input; the program goes on
                self._poll = None
            elif character in "\r\n":
                self._take(self._line.strip())
                self._line = ""
            elif len(self._line) < _MAX_LINE:
                self._line += character

    def _take(self, line):
        word, _, rest = line.partition(" ")
        try:
            if word:
                self.run(word, rest)
        except DeviceError as error:
            print("error: %s" % error)

    def run(self, word, rest):
        """Do what one line says; DeviceError when that cannot be done. (A chain costs a small heap less than a table.)"""
        program = self.program
        if word == "pair":
            program.pair()
        elif word == "press":
            program.send(EVENT, self._part("press").press())
        elif word in ("open", "close"):
            self._part("is_open").is_open = word == "open"
            program.measure()
        elif word == "say":
            program.send(TEXT, rest.encode())
        elif word == "status":
            program.status("status")
        elif word == "memory":
            program.memory()
        elif word == "reset":
            program.reset()
        elif word == "quit":
            program.quit()
        else:
            raise DeviceError("unknown command")

    def _part(self, name):
        """Return the profile if it has such a part."""
        if not hasattr(self.program.profile, name):
            raise DeviceError("this profile has no such part")
        return self.program.profile
