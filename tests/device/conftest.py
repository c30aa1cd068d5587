"""The core's modules need the name ``cryptolib`` before a test module imports them."""

import self_secure_device_linux  # noqa: F401  # registers cryptolib
