"""The firmware's ``bluetooth`` module for MicroPython on a desktop: the part that ``esp32/`` uses, with its limits.

Speaks JSON lines over a socket to ``bridge.py``, which drives a Bluetooth stack. Real firmware runs its interrupts while
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


class UUID:
    """Only carried."""

    def __init__(self, value):
        self.value = value


class _Adapter:
    """The one adapter of the board."""

    def __init__(self):
        self._socket = None
        self._handler = None

    # --- life --------------------------------------------------------------------------------------------------

    def active(self, value=None):
        """Open or close the socket; return whether it is open."""
        if value and self._socket is None:
            self._open()
        elif value is False and self._socket is not None:
            self._socket.close()
            self._socket = None
        return self._socket is not None

    def _open(self):
        self._socket = socket.socket()
        self._socket.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        self._socket.setsockopt(6, 1, b"\x01\x00\x00\x00")  # IPPROTO_TCP, TCP_NODELAY: a line may not wait for the next
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._values = {}
        self._sizes = {}
        self._connections = set()
        self._unsent = 0
        self._payload = [b"", b""]
        self._mac = bytes.fromhex(json.loads(self._socket.readline())["mac"])

    def _tell(self, **message):
        if self._socket is None:
            raise OSError(_ENODEV)
        self._socket.write(json.dumps(message) + "\n")

    def config(self, name=None, **values):
        """Answer "mac"; take ``mtu``."""
        if name == "mac":
            return 0, self._mac
        if name is not None or set(values) != {"mtu"}:
            raise ValueError("unknown config param")
        self._tell(do="mtu", mtu=values["mtu"])
        return None

    def irq(self, handler):
        """Call ``handler(event, data)`` from now on."""
        self._handler = handler

    # --- advertising -------------------------------------------------------------------------------------------

    def gap_advertise(self, interval_us, adv_data=None, *, resp_data=None, connectable=True):
        """Stop, set, start. OSError above 31 bytes or below 20 ms."""
        if interval_us is None:
            self._tell(do="stop")
            return
        given = [self._payload[0] if adv_data is None else bytes(adv_data), self._payload[1] if resp_data is None else bytes(resp_data)]
        if interval_us < _MIN_INTERVAL_US or max(len(given[0]), len(given[1])) > _MAX_DATA:
            raise OSError(_EINVAL)
        self._payload = given
        interval = interval_us // 625 * 0.625  # ms, in the steps of the radio
        self._tell(do="advertise", interval=interval, data=given[0].hex(), response=given[1].hex(), connectable=connectable)

    def gap_disconnect(self, connection):
        """Hang up; return whether there was a connection."""
        if connection not in self._connections:
            return False
        self._tell(do="disconnect", connection=connection)
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
                self._values[handle], self._sizes[handle] = b"", _DEFAULT_BUFFER
                told.append([handle, service.value, uuid.value, flags])
            all_handles.append(tuple(handles))
        self._tell(do="services", characteristics=told)
        return tuple(all_handles)

    def gatts_set_buffer(self, handle, size, append=False):
        """Let an attribute hold ``size`` bytes."""
        if append or handle not in self._sizes:
            raise OSError(_EINVAL)
        self._sizes[handle] = size

    def gatts_read(self, handle):
        """Return what was written last."""
        return self._values[handle]

    def gatts_notify(self, connection, handle, data):
        """Send, whether the other side has subscribed or not. OSError ENOMEM while too much is on its way."""
        if connection not in self._connections:
            raise OSError(_ENOTCONN)
        if self._unsent >= _MAX_UNSENT:
            raise OSError(_ENOMEM)
        self._unsent += 1
        self._tell(do="notify", connection=connection, handle=handle, data=data.hex())

    # --- interrupts --------------------------------------------------------------------------------------------

    def wait(self, milliseconds):
        """Run the interrupt that comes within this time; return whether one came. OSError when the radio is gone."""
        if self._socket is None:
            utime.sleep_ms(milliseconds)
            return False
        if not self._poll.poll(milliseconds):
            return False
        line = self._socket.readline()
        if not line:
            raise OSError(_ENODEV)
        self._interrupt(json.loads(line))
        return True

    def _interrupt(self, message):
        kind, connection = message["event"], message.get("connection")
        if kind == "sent":
            self._unsent -= 1
        elif kind == "connected":
            self._connections.add(connection)
            self._call(_CENTRAL_CONNECT, (connection, 0, bytes(6)))
        elif kind == "disconnected":
            self._connections.discard(connection)
            self._call(_CENTRAL_DISCONNECT, (connection, 0, bytes(6)))
        elif kind == "mtu":
            self._call(_MTU_EXCHANGED, (connection, message["mtu"]))
        elif kind == "write":
            handle = message["handle"]
            self._values[handle] = bytes.fromhex(message["data"])[: self._sizes[handle]]
            self._call(_GATTS_WRITE, (connection, handle))

    def _call(self, event, data):
        if self._handler is not None:
            self._handler(event, data)


_adapter = _Adapter()


def BLE():  # noqa: N802  # the firmware's name
    """Return the adapter; the firmware's class has one instance too."""
    return _adapter
