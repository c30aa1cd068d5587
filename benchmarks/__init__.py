"""How fast it is, beside comparable libraries and beside its own primitives, and how it grows."""

import self_secure_device_linux  # noqa: F401  # registers cryptolib before the device's core is imported
