"""The ``time`` module of the desktop, whose sleep lets the radio's interrupts in as the firmware's does."""

import bluetooth
from utime import ticks_add, ticks_diff, ticks_ms


def sleep_ms(milliseconds):
    """Sleep this long, and run the interrupts that come meanwhile."""
    end = ticks_add(ticks_ms(), milliseconds)
    while (left := ticks_diff(end, ticks_ms())) > 0:
        bluetooth.BLE().wait(left)
