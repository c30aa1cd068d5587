"""Names that several modules of the integration share."""

from typing import Final

DOMAIN: Final = "self_secure"
MANUFACTURER: Final = "Self-Secure"

CONF_IDENTITY: Final = "identity"  # of the device, 32 hex digits
CONF_HUB: Final = "hub_id"  # of this Home Assistant, 32 hex digits; not secret
CONF_MODEL: Final = "model"
CONF_VERSION: Final = "version"

FIELD_VERDICT: Final = "verdict"  # of the config flow's step "code"
SECTION_SECURITY: Final = "security"  # of the steps that choose a device
FIELD_METHOD: Final = "method"  # the weakest suite that the user accepts of this device

SERVICE_SEND_MESSAGE: Final = "send_message"
ATTR_MESSAGE: Final = "message"
ATTR_DATA: Final = "data"
ATTR_TIMEOUT: Final = "timeout"
