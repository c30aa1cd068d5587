"""Radio glue for Linux: the device's core on Bumble, with ``cryptolib`` over ``cryptography``."""

from . import cryptolib

cryptolib.register()
