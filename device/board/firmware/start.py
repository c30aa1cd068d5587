"""What the virtual board runs: the esp32 program on simulated sensors, with one command more, ``memory``."""

import gc
import json
import os

import bluetooth

from self_secure_device import profiles
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


def sensor(name):
    """Return the simulated sensor of a profile."""
    if name != "thermometer":
        return battery
    degrees, percent = walk(21, 0.4, 15, 30), walk(47, 1.5, 25, 75)
    return lambda: (degrees(), percent(), battery())


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

    def event(self, kind, value):
        self.sample()
        super().event(kind, value)

    def memory(self):
        """Print the bytes alive now, the most so far, and the heap's size."""
        alive = self.sample()
        print("memory alive=%d peak=%d heap=%d" % (alive, self.peak, alive + gc.mem_free()))


def main():
    """Run until the end, as the environment says."""
    settings = json.loads(os.getenv("SELF_SECURE_BOARD"))
    bluetooth.port = settings["port"]
    kind = profiles.profile(settings["profile"])
    program = Measured(
        kind(sensor(settings["profile"])),
        settings["name"],
        settings["state"],
        settings["readings"],
        suites=settings["suites"],
        interval=settings["interval"],
    )
    program.console.commands["memory"] = lambda _: program.memory()
    program.run()


main()
