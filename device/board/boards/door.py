"""A door on simulated sensors."""

from start import battery, run

from self_secure_device.profiles import Door


def main():
    """Run until the end."""
    run(Door(battery))
