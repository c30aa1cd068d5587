"""Commands typed on the serial console, one a line; nothing is printed back while nothing is typed."""

import select
import sys

from micropython import const

from self_secure_device.errors import DeviceError
from self_secure_device.session import EVENT, TEXT

_MAX_LINE = const(200)  # characters; a longer line is cut


class Console:
    """Reads standard input without waiting. ``commands``: word → function of the rest of the line."""

    def __init__(self, program):
        self._program = program
        self._line = ""
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self.commands = {
            "pair": lambda _: program.pair(),
            "press": lambda _: self._press(),
            "open": lambda _: self._move(True),
            "close": lambda _: self._move(False),
            "say": lambda text: program.send(TEXT, text.encode()),
            "status": lambda _: program.status("status"),
            "reset": lambda _: program.reset(),
            "quit": lambda _: program.quit(),
        }

    def step(self):
        """Take what was typed."""
        while self._poll is not None and self._poll.poll(0):
            character = sys.stdin.read(1)
            if not character:  # the end of a piped input; the program goes on
                self._poll = None
            elif character in "\r\n":
                line, self._line = self._line, ""
                self._run(line)
            elif len(self._line) < _MAX_LINE:
                self._line += character

    def _run(self, line):
        word, _, rest = line.strip().partition(" ")
        if word not in self.commands:
            if word:
                print("error: unknown command")
            return
        try:
            self.commands[word](rest)
        except DeviceError as error:
            print("error: %s" % error)

    def _press(self):
        self._need("press")
        self._program.send(EVENT, self._program.profile.press())

    def _need(self, part):
        if not hasattr(self._program.profile, part):
            raise DeviceError("this profile has no such part")

    def _move(self, is_open):
        self._need("is_open")
        self._program.profile.is_open = is_open
        self._program.measure()
