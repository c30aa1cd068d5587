"""The firmware's ``bluetooth`` module for MicroPython on a desktop: the part that ``esp32/`` uses, with its limits.

Speaks JSON lines over a socket to ``bridge.py``, which drives a Bluetooth stack; a value follows its line as it is. Real firmware runs its interrupts while
the program sleeps, so ``time.sleep_ms`` (beside this file) calls ``wait``. Errors are the numbers that NimBLE's give.
"""

import json
import select
import socket

from micropython import const
import utime

_EINVAL = const(22)
_ENODEV = const(19)
_ENOMEM = const(12)
_ENOTCONN = const(128)
_EALREADY = const(114)

_MAX_DATA = const(31)  # bytes of a legacy advertisement
_MIN_INTERVAL_US = const(20_000)  # the shortest advertising interval
_DEFAULT_BUFFER = const(20)  # bytes of an attribute unless told otherwise
_MAX_UNSENT = const(6)  # notifications; NimBLE's buffers hold about as many

_CENTRAL_CONNECT = const(1)
_CENTRAL_DISCONNECT = const(2)
_GATTS_WRITE = const(3)
_MTU_EXCHANGED = const(21)

#: The bridge's port on this machine; the board's start sets it.
port = None


def UUID(value):  # noqa: N802  # the firmware's name
    """Return it: it is only carried."""
    return value


class _Adapter:
    """The one adapter of the board."""

    def __init__(self):
        self.socket = None
        self.handler = None
        self.data = self.response = b""

    # --- life --------------------------------------------------------------------------------------------------

    def active(self, value=None):
        """Open or close the socket; return whether it is open."""
        if value and self.socket is None:
            self.open()
        elif value is False and self.socket is not None:
            self.socket.close()
            self.socket = None
        return self.socket is not None

    def open(self):
        self.socket = socket.socket()
        self.socket.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        self.socket.setsockopt(6, 1, b"\x01\x00\x00\x00")  # IPPROTO_TCP, TCP_NODELAY: a line may not wait for the next
        self.poll = select.poll()
        self.poll.register(self.socket, select.POLLIN)
        self.values = {}
        self.sizes = {}
        self.connections, self.leaving = set(), set()
        self.unsent = 0
        self.mac = bytes.fromhex(json.loads(self.socket.readline())[0])

    def tell(self, *message):
        if self.socket is None:
            raise OSError(_ENODEV)
        self.socket.write(json.dumps(message) + "\n")

    def config(self, name=None, **values):
        """Answer "mac"; take ``mtu``."""
        if name == "mac":
            return 0, self.mac
        if name is not None or set(values) != {"mtu"}:
            raise ValueError("unknown config param")
        self.tell("mtu", values["mtu"])
        return None

    def irq(self, handler):
        """Call ``handler(event, data)`` from now on."""
        self.handler = handler

    # --- advertising -------------------------------------------------------------------------------------------

    def gap_advertise(self, interval_us, adv_data=None, *, resp_data=None, connectable=True):
        """Stop, set, start. OSError above 31 bytes or below 20 ms."""
        if interval_us is None:
            self.tell("stop")
            return
        data = self.data if adv_data is None else bytes(adv_data)
        response = self.response if resp_data is None else bytes(resp_data)
        if interval_us < _MIN_INTERVAL_US or max(len(data), len(response)) > _MAX_DATA:
            raise OSError(_EINVAL)
        self.data, self.response = data, response
        self.tell("advertise", interval_us // 625 * 0.625, data.hex(), response.hex(), connectable)  # ms, in the radio's steps

    def gap_disconnect(self, connection):
        """Hang up; return whether there was a connection. OSError EALREADY while that is on its way."""
        if connection not in self.connections:
            return False
        if connection in self.leaving:
            raise OSError(_EALREADY)
        self.leaving.add(connection)
        self.tell("disconnect", connection)
        return True

    # --- GATT server -------------------------------------------------------------------------------------------

    def gatts_register_services(self, services):
        """Number the characteristics as a stack does, with room for declarations and descriptors; return their handles."""
        handle, all_handles, told = 16, [], []
        for service, characteristics in services:
            handles = []
            for uuid, flags in characteristics:
                handle += 3
                handles.append(handle)
                self.values[handle], self.sizes[handle] = b"", _DEFAULT_BUFFER
                told.append([handle, service, uuid, flags])
            all_handles.append(tuple(handles))
        self.tell("services", told)
        return tuple(all_handles)

    def gatts_set_buffer(self, handle, size, append=False):
        """Let an attribute hold ``size`` bytes."""
        if append or handle not in self.sizes:
            raise OSError(_EINVAL)
        self.sizes[handle] = size

    def gatts_read(self, handle):
        """Return what was written last."""
        return self.values[handle]

    def gatts_notify(self, connection, handle, data):
        """Send, whether the other side has subscribed or not. OSError ENOMEM while too much is on its way."""
        if connection not in self.connections:
            raise OSError(_ENOTCONN)
        if self.unsent >= _MAX_UNSENT:
            raise OSError(_ENOMEM)
        self.unsent += 1
        self.tell("notify", connection, handle, len(data))
        self.socket.write(data)

    # --- interrupts --------------------------------------------------------------------------------------------

    def wait(self, milliseconds):
        """Run the interrupt that comes within this time; return whether one came. OSError when the radio is gone."""
        if self.socket is None:
            utime.sleep_ms(milliseconds)
            return False
        if not self.poll.poll(milliseconds):
            return False
        line = self.socket.readline()
        if not line:
            raise OSError(_ENODEV)
        self.interrupt(*json.loads(line))
        return True

    def interrupt(self, kind, connection=None, handle=None, size=0):
        """Hear the bridge; ``handle`` is the MTU in "mtu", and ``size`` bytes follow a "write"."""
        if kind == "sent":
            self.unsent -= 1
        elif kind == "connect":
            self.connections.add(connection)
            self.call(_CENTRAL_CONNECT, (connection, 0, bytes(6)))
        elif kind == "disconnect":
            self.connections.discard(connection)
            self.leaving.discard(connection)
            self.call(_CENTRAL_DISCONNECT, (connection, 0, bytes(6)))
        elif kind == "mtu":
            self.call(_MTU_EXCHANGED, (connection, handle))
        elif kind == "write":
            self.values[handle] = self.socket.read(size)[: self.sizes[handle]]
            self.call(_GATTS_WRITE, (connection, handle))

    def call(self, event, data):
        if self.handler is not None:
            self.handler(event, data)


_adapter = _Adapter()


def BLE():  # noqa: N802  # the firmware's name
    """Return the adapter; the firmware's class has one instance too."""
    return _adapter
