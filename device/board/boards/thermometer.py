"""A thermometer and hygrometer on simulated sensors."""

from start import battery, run, walk

from self_secure_device.profiles import Thermometer


def main():
    """Run until the end."""
    degrees, percent = walk(21, 0.4, 15, 30), walk(47, 1.5, 25, 75)
    run(Thermometer(lambda: (degrees(), percent(), battery())))
