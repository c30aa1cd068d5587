"""Hub and device in virtual time, without a radio stack: a lossy broadcast, a link, a clock that jumps."""

import self_secure_device_linux  # noqa: F401  # registers cryptolib before the device's core is imported
