"""BTHome v2 objects, as they stand in READINGS and EVENT (bthome.io/format), little-endian, rising by object id."""

BATTERY, TEMPERATURE, HUMIDITY, DOOR, BUTTON = 0x01, 0x02, 0x03, 0x1A, 0x3A
PRESS = 0x01  # button event


def _signed(kind, value, size):
    limit = 1 << 8 * size
    return bytes([kind]) + (value % limit).to_bytes(size, "little")


def battery(percent):
    """Battery charge, 0 to 100."""
    return bytes([BATTERY, percent])


def temperature(degrees):
    """Temperature in °C with a resolution of 0.01."""
    return _signed(TEMPERATURE, round(degrees * 100), 2)


def humidity(percent):
    """Relative humidity in percent with a resolution of 0.01."""
    return bytes([HUMIDITY]) + round(percent * 100).to_bytes(2, "little")


def door(is_open):
    """Door contact."""
    return bytes([DOOR, 1 if is_open else 0])


def button_press():
    """One short press."""
    return bytes([BUTTON, PRESS])
