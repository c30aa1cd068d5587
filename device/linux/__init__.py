"""Radio glue for Linux: the device's core on Bumble, with ``cryptolib`` over ``cryptography`` and the primitives of CPython."""

from . import cryptolib

cryptolib.register()

from . import primitives  # noqa: E402  # it imports the core, which needs the name ``cryptolib``

primitives.register()
