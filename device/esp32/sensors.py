"""Real sensors for the profiles, and a profile for a board that has none but its own chip."""

from self_secure_device import bthome, profiles

_CHARGE = 100  # % battery of a board on a cable


class Dht:
    """DHT11 or DHT22, as the sensor of ``profiles.Thermometer``; ``device`` is ``dht.DHT22(pin)``."""

    def __init__(self, device):
        self._device = device

    def __call__(self):
        """Measure: (°C, % humidity, % battery). OSError when the sensor does not answer."""
        self._device.measure()
        return self._device.temperature(), self._device.humidity(), _CHARGE


class ChipThermometer:
    """The temperature inside the chip, for a first try without any part: ``read`` is ``esp32.mcu_temperature``."""

    model = "Chip thermometer"
    capabilities = profiles.MEASURES

    def __init__(self, read):
        self._read = read

    def readings(self):
        """Return the temperature now."""
        return bthome.temperature(self._read())
