"""Tests of the device, which share no code with the hub's."""

import self_secure_device_linux  # noqa: F401  # registers cryptolib before the core is imported
