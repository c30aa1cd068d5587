"""The initiator of self-secure communication, for MicroPython and CPython.

A plain subset of Python: no typing, dataclasses or enum at run time. The core is sans-I/O: time (milliseconds, never
wrapping), bytes and randomness go in; fragments, advertisements, snapshots and events come out through one port.
Loops stand where comprehensions would do, because each of those keeps a record in a microcontroller's heap.
Start reading at ``device.py``; the specification is ``docs/protocol.md``.
"""
