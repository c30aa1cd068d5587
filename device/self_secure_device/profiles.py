"""What a device is: its model, what it measures, and what it takes (protocol.md 6, READINGS, EVENT and INFO).

A profile needs ``model``, ``capabilities`` and ``readings()``, which returns BTHome v2 objects. Write your own beside these;
``sensor`` is any function that returns the present values, so the same profile runs on real and on simulated sensors.
"""

from . import bthome
from .adverts import utf8
from .crypto import u16
from .errors import DeviceError

VERSION = "0.1.0"
MEASURES, REPORTS_EVENTS, TAKES_TEXT, TAKES_BYTES = 1, 2, 4, 8  # bits of INFO's capabilities
MAX_INFO_VALUE = 255  # its length is a u8


def _value(tag, data):
    return bytes([tag, len(data)]) + data


def info(name, profile):
    """Return the body of INFO: name, model, version, capabilities."""
    out = b""
    for tag, text in enumerate((name, profile.model, VERSION), 1):
        out += _value(tag, utf8(text, MAX_INFO_VALUE))
    return out + _value(4, u16(profile.capabilities))


class Thermometer:
    """Thermometer and hygrometer; ``sensor()`` returns (°C, % humidity, % battery)."""

    model = "Thermometer"
    capabilities = MEASURES

    def __init__(self, sensor):
        self._sensor = sensor

    def readings(self):
        """Battery, temperature and humidity now."""
        degrees, percent, charge = self._sensor()
        return bthome.battery(charge) + bthome.temperature(degrees) + bthome.humidity(percent)


class Door:
    """Door contact with a button; ``sensor()`` returns % battery."""

    model = "Door contact"
    capabilities = MEASURES | REPORTS_EVENTS

    def __init__(self, sensor):
        self._sensor = sensor
        self.is_open = False

    def readings(self):
        """Battery and the contact's present state."""
        return bthome.battery(self._sensor()) + bthome.door(self.is_open)

    def press(self):
        """Return the EVENT of one press of the button."""
        return bthome.button_press()


class Display:
    """Text display; ``show(text)`` puts a text on it, ``sensor()`` returns % battery."""

    model = "Text display"
    capabilities = MEASURES | TAKES_TEXT | TAKES_BYTES

    def __init__(self, sensor, show=None):
        self._sensor = sensor
        self._show = show
        self.text = ""

    def readings(self):
        """Battery."""
        return bthome.battery(self._sensor())

    def show(self, text):
        """Show a text of the hub."""
        self.text = text
        if self._show is not None:
            self._show(text)


PROFILES = {"thermometer": Thermometer, "door": Door, "display": Display}


def profile(name):
    """Return the profile class of that name; DeviceError when there is none."""
    if name not in PROFILES:
        raise DeviceError("unknown profile: %s" % name)
    return PROFILES[name]
