"""What the documents say, compared with the tree."""

import self_secure_device_linux  # noqa: F401  # registers cryptolib before the device's core is imported
