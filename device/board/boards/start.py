"""What the virtual boards share: the esp32 program with settings from the environment, simulated sensors, and a ``memory`` that knows the most."""

import gc
import json
import os

import bluetooth

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
    """The program as it is, and the most memory that was alive whenever it asked its port something."""

    peak = 0

    def urandom(self, count):
        self.sample()
        return super().urandom(count)

    def save(self, data):
        self.sample()
        super().save(data)

    def sample(self):
        gc.collect()
        self.peak = max(self.peak, gc.mem_alloc())

    def memory(self):
        """Print the most bytes so far, too."""
        self.sample()
        super().memory(" peak=%d" % self.peak)


def run(profile):
    """Run until the end, as the environment says."""
    given = json.loads(os.getenv("SELF_SECURE_BOARD"))
    bluetooth.port = given["port"]
    board = Measured(profile, given["name"], given["state"], given["readings"], suites=given["suites"], interval=given["interval"])
    board.run()
