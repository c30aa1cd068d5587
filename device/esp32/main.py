"""Runs when the board starts. Choose what the device is; the rest is in ``self_secure_esp32``.

As it stands it needs no part but the chip. With a DHT22 on pin 4::

    profile = Thermometer(Dht(dht.DHT22(machine.Pin(4))))

with ``Thermometer`` from ``self_secure_device.profiles`` and ``Dht`` from ``self_secure_esp32.sensors``. A text display, which
prints on the serial console what the hub sends, and calls ``show(text)``, a function of yours, to draw it::

    profile = Display(lambda: 100, show)
"""

import sys
import time

import machine

import esp32
from self_secure_esp32.button import Button
from self_secure_esp32.program import Program
from self_secure_esp32.sensors import ChipThermometer

RESET_SECONDS = 5  # before the next try after an error: time to read it, and to press Ctrl-C


def main():
    """Run for ever."""
    profile = ChipThermometer(esp32.mcu_temperature)  # the classic ESP32 has only `raw_temperature`, in °F and uncalibrated
    boot = machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP)  # of most boards: a press pairs anew, ten seconds erase every key
    try:
        Program(profile, name="ESP32", button=Button(boot)).run()
    except Exception as error:  # noqa: BLE001  # out of memory, for example: nobody is there to help
        sys.print_exception(error)
        time.sleep(RESET_SECONDS)
        machine.reset()  # as safe as a power cut: the keys are in the flash, the next contact resumes


main()
