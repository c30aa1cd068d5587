"""What the virtual boards share: the esp32 program with settings from the environment, simulated sensors, and ``memory``."""

import gc
import json
import os

import bluetooth

from self_secure_esp32.console import Console
from self_secure_esp32.program import Program


def walk(value, step, low, high):
    """Return a function whose calls wander between the bounds."""

    def now():
        nonlocal value
        value = min(high, max(low, value + step * (os.urandom(1)[0] - 127) / 128))
        return value

    return now


def battery():
    """Return % battery."""
    return 95


class Measured(Program):
    """The program as it is, and the most memory that was alive whenever it told or asked its port something."""

    peak = 0

    def sample(self):
        """Return the bytes alive now."""
        gc.collect()
        alive = gc.mem_alloc()
        self.peak = max(self.peak, alive)
        return alive

    def urandom(self, count):
        self.sample()
        return super().urandom(count)

    def save(self, data):
        self.sample()
        super().save(data)


class MeasuredConsole(Console):
    """One command more."""

    def run(self, word, rest):
        """Print for ``memory`` the bytes alive now, the most so far, and the heap's size."""
        if word != "memory":
            super().run(word, rest)
            return
        alive = self.program.sample()
        print("memory alive=%d peak=%d heap=%d" % (alive, self.program.peak, alive + gc.mem_free()))


def run(profile):
    """Run until the end, as the environment says."""
    given = json.loads(os.getenv("SELF_SECURE_BOARD"))
    bluetooth.port = given["port"]
    board = Measured(profile, given["name"], given["state"], given["readings"], suites=given["suites"], interval=given["interval"])
    board.console = MeasuredConsole(board)
    board.run()
