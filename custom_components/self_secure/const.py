"""Names that several modules of the integration share."""

from typing import Final

DOMAIN: Final = "self_secure"
MANUFACTURER: Final = "Self-Secure"

CONF_IDENTITY: Final = "identity"  # of the device, 32 hex digits
CONF_HUB: Final = "hub_id"  # of this Home Assistant, 32 hex digits; not secret
CONF_SHORT_ID: Final = "short_id"  # of a discovered device, 8 hex digits
CONF_MODEL: Final = "model"
CONF_VERSION: Final = "version"
CONF_CAPABILITIES: Final = "capabilities"  # as in INFO, protocol.md 6

CONF_KIND: Final = "kind"  # of an entry; one without it is a device
KIND_GROUP: Final = "group"
CONF_GID: Final = "gid"  # of a group, protocol.md 9
OPTION_MEMBERS: Final = "members"  # of a group: identities of its devices

FIELD_VERDICT: Final = "verdict"  # of the config flow's step "code"
SECTION_SECURITY: Final = "security"  # of the steps that choose a device
FIELD_METHOD: Final = "method"  # the weakest suite that the user accepts of this device
FIELD_DEVICES: Final = "devices"  # of the config flow's step "choose"
FIELD_NEXT: Final = "next"  # of its step "failed": what to do about one device of several
SECTION_HUB: Final = "hub"  # of the options: what holds for all devices

OPTION_FLOOR: Final = "floor"  # of an entry: id of the weakest suite that the user accepts of this device
OPTION_KEEP_CONNECTED: Final = "keep_connected"
OPTION_POLL_MINUTES: Final = "poll_minutes"  # 0: the device speaks first

SERVICE_SEND_MESSAGE: Final = "send_message"
SERVICE_SEND_GROUP_MESSAGE: Final = "send_group_message"
SERVICE_ROTATE_KEYS: Final = "rotate_keys"
SERVICE_GET_LINK_QUALITY: Final = "get_link_quality"
ATTR_MESSAGE: Final = "message"
ATTR_DATA: Final = "data"
ATTR_BASE64: Final = "base64"
ATTR_TIMEOUT: Final = "timeout"

EVENT_SECURITY: Final = "self_secure_security"  # on the bus, for the logbook; holds no message
ATTR_TYPE: Final = "type"
