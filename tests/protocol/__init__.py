"""The hub's protocol alone, and against the device's own machines."""

import self_secure_device_linux  # noqa: F401  # registers cryptolib before the device's core is imported
