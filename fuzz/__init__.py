"""Coverage-guided fuzzing (atheris): one module per target, whose first line is its invariant; `python -m fuzz TARGET`."""

import self_secure_device_linux  # noqa: F401  # registers cryptolib before the device's core is imported
