"""A display on simulated sensors."""

from start import battery, run

from self_secure_device.profiles import Display


def main():
    """Run until the end."""
    run(Display(battery))
