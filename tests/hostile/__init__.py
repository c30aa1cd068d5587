"""Hub and device under hostile conditions: the soak's engine driven by seeds and by Hypothesis, and every state with every input."""

import self_secure_device_linux  # noqa: F401  # registers cryptolib before the device's core is imported
