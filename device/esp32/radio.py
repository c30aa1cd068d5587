"""The radio: the firmware's ``bluetooth`` module, moving bytes between it and the device's core (protocol.md 3).

The interrupt handler only copies; everything else happens in ``step``, which the program calls every few milliseconds.
``gap_advertise`` stops, sets and starts: a payload airs at once, and again only after the interval. So each random packet
gets one call with an interval far beyond their pace, and airs exactly once.
"""

import bluetooth
from micropython import const

from self_secure_device.adverts import NOTIFY_UUID, SERVICE_UUID, WRITE_UUID

_CENTRAL_CONNECT = const(1)
_CENTRAL_DISCONNECT = const(2)
_GATTS_WRITE = const(3)
_MTU_EXCHANGED = const(21)

_WRITE_FLAGS = const(0x0C)  # with and without response
_NOTIFY_FLAG = const(0x10)

_MTU = const(247)  # fills one link layer packet of 251 bytes
_BUFFER = const(244)  # the longest write under it; the firmware cuts at 20 bytes otherwise
_DEFAULT_MTU = const(23)  # Bluetooth's, until the hub has asked for more

_BEACON_US = const(200_000)  # found within seconds also at 70 % loss
_ONCE_US = const(2_000_000)  # far beyond the pace of random packets: each airs once

_MAX_WAITING = const(5120)  # bytes of writes, with what each costs beside them: two frames at the smallest MTU; the heap holds no more
_WRITE_COST = const(28)  # a tuple and the head of its bytes

# The firmware does not tell when the hub subscribes. We wait a moment after the MTU exchange, and what was said before the
# hub's first write we say again, byte for byte: a repeat of an accepted frame changes nothing.
_SETTLE_MS = const(400)
_REPEAT_MS = const(1000)
_MAX_REPEATS = const(3)
_MAX_KEPT = const(12)  # fragments: a REQ at the smallest MTU


class Radio:
    """One adapter and the core on it. ``clock.now()`` is in ms; ``tell(kind, value)`` hears "connected" and "disconnected"."""

    def __init__(self, core, clock, tell):
        self._core = core
        self._clock = clock
        self._tell = tell
        self._events = []  # what the interrupt handler has copied
        self._copied = self._taken = 0  # bytes of writes so far: each is counted by one side alone
        self._overrun = False  # an event was lost for want of memory
        self._connection = None
        self._shown = None  # the beacon state on the air
        self._random_at = 0  # when the next random packet is due
        self._fragment = None  # refused by the radio, to be sent again
        self._forget()
        self._ble = ble = bluetooth.BLE()
        ble.active(True)
        ble.config(mtu=_MTU)
        uuid = bluetooth.UUID
        values = ((uuid(WRITE_UUID), _WRITE_FLAGS), (uuid(NOTIFY_UUID), _NOTIFY_FLAG))
        ((self._write, self._notify),) = ble.gatts_register_services(((uuid(SERVICE_UUID), values),))
        ble.gatts_set_buffer(self._write, _BUFFER)
        ble.irq(self._interrupt)

    @property
    def address(self):
        """The address on the air, as people write it."""
        return self._ble.config("mac")[1].hex(":").upper()

    @property
    def quiet(self):
        """Whether nothing happens that needs a look every few milliseconds."""
        return self._connection is None and not self._events and not self._core.broadcasting

    def hang_up(self):
        """End the present connection; the disconnection comes some intervals later."""
        if self._connection is not None:
            try:
                self._ble.gap_disconnect(self._connection)
            except OSError:  # EALREADY: it is ending
                return

    def close(self):
        """Switch the radio off."""
        self._ble.active(False)

    # --- interrupts --------------------------------------------------------------------------------------------

    def _interrupt(self, event, data):
        """Copy: the firmware reuses its buffers when this returns, and after an exception it would never call again."""
        try:
            self._copy(event, data)
        except MemoryError:
            self._overrun = True

    def _copy(self, event, data):
        if event == _GATTS_WRITE:
            if data[1] == self._write and self._copied - self._taken < _MAX_WAITING:  # more means that nobody calls ``step``
                value = bytes(self._ble.gatts_read(self._write))
                self._events.append((event, data[0], value))
                self._copied += len(value) + _WRITE_COST
        elif event == _MTU_EXCHANGED:
            self._events.append((event, data[0], data[1]))
        elif event in (_CENTRAL_CONNECT, _CENTRAL_DISCONNECT):
            self._events.append((event, data[0], None))

    # --- the main loop's part ----------------------------------------------------------------------------------

    def step(self):
        """Do what is due: interrupts, the core's timers, fragments, the next advertisement. MemoryError if an event was lost: begin anew."""
        while self._events:
            self._take(*self._events.pop(0))
        if self._overrun:
            raise MemoryError("the radio's events")
        now = self._clock.now()
        if self._connection is None:
            self._core.poll(now)
            self._advertise(now)
        else:
            if not self._core.link.subscribed and now >= self._settled_at:
                self._core.subscribed(now)
            self._core.poll(now)
            self._send(now)
            if self._core.yields:
                self.hang_up()

    def _take(self, event, connection, value):
        if event == _GATTS_WRITE:
            self._taken += len(value) + _WRITE_COST
        if event == _CENTRAL_CONNECT:
            self._connected(connection)
        elif connection != self._connection:
            return
        elif event == _CENTRAL_DISCONNECT:
            self._disconnected()
        elif event == _MTU_EXCHANGED:
            self._core.link.mtu = value
            self._settled_at = self._clock.now() + _SETTLE_MS
        else:
            self._written(value)

    def _connected(self, connection):
        if self._connection is not None:  # one hub at a time
            self._ble.gap_disconnect(connection)
            return
        self._connection = connection
        self._ble.gap_advertise(None)  # a packet may have been put on the air meanwhile
        self._forget()
        self._settled_at = self._clock.now() + _REPEAT_MS  # for a hub that asks for no MTU
        self._core.connected(_DEFAULT_MTU)
        self._tell("connected", None)

    def _disconnected(self):
        self._connection = None
        self._shown = None  # the connection has stopped the advertising
        self._forget()
        self._core.disconnected()
        self._tell("disconnected", None)

    def _written(self, fragment):
        """Take what the hub wrote: it has subscribed before."""
        now = self._clock.now()
        self._kept = None
        self._core.subscribed(now)
        self._core.received(fragment, now)

    # --- out ---------------------------------------------------------------------------------------------------

    def _forget(self):
        self._fragment = None
        self._kept = []  # sent before the hub's first write; None after it
        self._repeats = 0
        self._repeat_at = self._settled_at = 0

    def _send(self, now):
        while self._fragment is not None or self._next(now):
            try:
                self._ble.gatts_notify(self._connection, self._notify, self._fragment)
            except OSError:  # ENOMEM: the next step tries again
                return
            self._fragment = None
        if self._kept and now >= self._repeat_at and self._repeats < _MAX_REPEATS:
            self._repeat(now)

    def _next(self, now):
        """Take the core's next fragment; keep it while nobody may have heard it."""
        self._fragment = self._core.next_fragment()
        if self._fragment is not None and self._kept is not None and len(self._kept) < _MAX_KEPT:
            self._kept.append(self._fragment)
            self._repeat_at = now + _REPEAT_MS
        return self._fragment is not None

    def _repeat(self, now):
        self._repeats += 1
        self._repeat_at = now + _REPEAT_MS
        try:
            for fragment in self._kept:
                self._ble.gatts_notify(self._connection, self._notify, fragment)
        except OSError:  # ENOMEM, in the middle of a frame: its next fragment 0 starts anew
            return

    def _advertise(self, now):
        try:
            if self._core.broadcasting:
                self._broadcast(now)
            elif self._shown != self._core.state:
                data, response = self._core.beacon()
                self._ble.gap_advertise(_BEACON_US, data, resp_data=response)
                self._shown = self._core.state
        except OSError:  # a connection is beginning at this moment
            self._shown = None

    def _broadcast(self, now):
        """Air one random packet when it is due; late ones are not caught up with, the radio has its floor."""
        if now < self._random_at:
            return
        self._shown = None
        self._random_at = max(self._random_at, now - 5) + self._core.interval
        self._ble.gap_advertise(_ONCE_US, self._core.next_random())
