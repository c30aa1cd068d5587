"""What all experiments share: statistics with intervals, tables as text, CSV and JSON, plots."""

import self_secure_device_linux  # noqa: F401  # registers cryptolib before the device's core is imported
