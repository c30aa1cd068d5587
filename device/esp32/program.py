"""The device program: core, profile, storage, radio, button and console together."""

import gc
import os
import sys
import time

import bluetooth
from micropython import const

from self_secure_device import profiles
from self_secure_device.device import Device
from self_secure_device.errors import DeviceError
from self_secure_device.request import Parameters
from self_secure_device.session import READINGS
from self_secure_device.suites import HYBRID_ID

from .clock import Clock
from .console import Console
from .radio import Radio
from .store import FileStore

_IDENTITY_BYTES = const(16)
_BUSY_MS = const(5)  # between two looks while connected or broadcasting: a sixth of the packets' pace
_QUIET_MS = const(20)  # while only the beacon is on the air

_COLLECT_BYTES = const(2048)  # allocated between two collections: garbage goes before it has scattered what lives

_CONTROLS = "\n\r\x08\x1b"  # what could make a terminal show another line

#: What is printed of each event. One text, in the flash: a dictionary of them would take a kilobyte of the heap. A star stands for
#: the hub's name, told when there are several.
_LINES = """
code pairing code: %s*
paired paired*
pairing_failed pairing failed: %s*
resumed resumed epoch=%s*
text received text: %s
bytes received bytes: %s
readings received readings: %s
verified verified compared=%s*
delivered delivered id=%s
undelivered error: not acknowledged id=%s
resume_refused error: the hub holds no key of ours
possible_clone error: possible clone: somebody else has used a copy of our key
forgotten forgotten by the hub*
carried carried by relay=%s
error error: %s
"""


def line(kind, value, group=None, hub=None):
    """Return what is printed of an event, perhaps for a group or of a hub; a text of the hub cannot pretend to be another line of ours."""
    if kind in ("bytes", "readings", "carried"):
        value = value.hex()
    elif kind == "verified":
        value = "yes" if value else "no"
    elif kind == "text":
        for control in _CONTROLS:
            value = value.replace(control, "?")
    at = _LINES.find("\n%s " % kind)
    form = _LINES[at + len(kind) + 2 :].partition("\n")[0] if at >= 0 else kind
    form = form.replace("*", " hub=" + hub.hex() if hub else "")
    if group is not None:
        form = form.replace(":", " for group %d:" % group)
    return form % value if "%s" in form else form


class Program:
    """One device. ``profile`` has ``model``, ``capabilities``, ``readings()`` and, for texts, ``show(text)``.

    ``readings`` is in seconds; ``button`` is a ``button.Button``; ``interval`` is the pace of the random packets in ms.
    """

    core = None  # while it starts

    def __init__(self, profile, name=None, path="self_secure.state", readings=60, button=None, suites=(HYBRID_ID,), interval=30):
        self.profile = profile
        self.clock = Clock()
        self._store = FileStore(path)
        self._every = int(readings * 1000)
        self._measure_at = self._every
        self._running = True
        bluetooth.BLE().active(True)  # before anything is drawn: the chip's generator lives on the radio's noise
        identity = os.urandom(_IDENTITY_BYTES)
        stored = self._store.load()
        name = name or profile.model
        self.core = Device(self, identity, stored, Parameters(suites, interval=interval), name, profiles.info(name, profile))
        self._button = button
        self._radio = Radio(self.core, self.clock, self.event)
        self.console = Console(self)
        self._resident = set(sys.modules)  # what is needed all the time
        self._idle = True  # no module of a pairing or resume is loaded for nothing

    # --- the core's port ---------------------------------------------------------------------------------------

    def urandom(self, count):
        """Return fresh random bytes."""
        return os.urandom(count)

    def save(self, data):
        """Write the snapshot durably before returning. What led to it is over: its modules go first, for a small heap has least to spare here."""
        if self.core is not None and not self.core.negotiating:
            self._unload()
        self._store.save(data)

    def event(self, kind, value):
        """Print what happened; what that leads to happens in the next step."""
        if kind == "text" and hasattr(self.profile, "show"):
            self.profile.show(value)
        elif kind in ("paired", "resumed"):
            self._measure_at = self.clock.now()
            self._idle = False
        elif kind in ("connected", "disconnected"):
            gc.collect()  # while little is alive: it keeps the heap in one piece
        print(line(kind, value, self.core.group, self.core.about))

    # --- life --------------------------------------------------------------------------------------------------

    def run(self):
        """Run until ``quit``."""
        gc.threshold(_COLLECT_BYTES)
        self._radio.step()
        self.status("ready")
        while self._running:
            self.step()
            time.sleep_ms(_QUIET_MS if self._radio.quiet else _BUSY_MS)
        self._radio.close()

    def step(self):
        """Do everything that is due, without waiting."""
        self._radio.step()
        if not self._idle:
            self._unload()
        if self.clock.now() >= self._measure_at:
            self._measure_at = self.clock.now() + self._every
            self.measure()
        if self._button is not None:
            self._feel(self._button.step(self.clock.now()))
        self.console.step()

    def _unload(self):
        """Drop the modules of the pairing or resume that is over: they take a sixth of a small heap."""
        self._idle = True
        for name in list(sys.modules):
            if name not in self._resident:
                parent, _, child = name.rpartition(".")
                if parent:
                    delattr(sys.modules[parent], child)
                del sys.modules[name]
        gc.collect()

    def _feel(self, touch):
        try:
            if touch == "press":
                self.pair()
            elif touch == "hold":
                self.reset()
        except DeviceError as error:
            print("error: %s" % error)

    # --- what a person or a sensor does ------------------------------------------------------------------------

    def measure(self):
        """Queue the present readings, unless nobody is there to have them."""
        if self.core.peer is None:
            return
        try:
            self.send(READINGS, self.profile.readings())
        except (DeviceError, OSError) as error:
            print("error: %s" % error)

    def send(self, kind, body):
        """Queue one message; DeviceError when unpaired, too long, or the queue is full."""
        self.core.send(kind, body, self.clock.now())

    def pair(self):
        """Take the local action that starts a new pairing; DeviceError when too many wait for an answer."""
        self.core.pair(self.clock.now())

    def reset(self):
        """Erase every key and hang up."""
        self.core.reset()
        self._radio.hang_up()
        print("reset")

    def status(self, word):
        """Print who this is and how it stands."""
        core = self.core
        print("%s identity=%s address=%s state=%d" % (word, core.identity[:4].hex(), self._radio.address, core.state))

    def memory(self, peak=""):
        """Print the bytes of the heap that are in use, and its size."""
        gc.collect()
        alive = gc.mem_alloc()
        print("memory alive=%d%s heap=%d" % (alive, peak, alive + gc.mem_free()))

    def quit(self):
        """Make ``run`` end."""
        self._running = False
