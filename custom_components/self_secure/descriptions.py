"""How BTHome's measurements look in Home Assistant; follows core's `bthome` integration."""

from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.event import EventDeviceClass, EventEntityDescription
from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.const import EntityCategory, UnitOfConductivity, UnitOfDensity

_RENAMED_CLASSES: Final = {"dew_point": SensorDeviceClass.TEMPERATURE, "mass": SensorDeviceClass.WEIGHT}
_RENAMED_UNITS: Final = {  # the library has the micro sign, Home Assistant the Greek letter
    "µS/cm": UnitOfConductivity.MICROSIEMENS_PER_CM,
    "µg/m³": UnitOfDensity.MICROGRAMS_PER_CUBIC_METER,
}
_STATE_CLASSES: Final = {
    "energy": SensorStateClass.TOTAL,
    "gas": SensorStateClass.TOTAL,
    "volume": SensorStateClass.TOTAL,
    "water": SensorStateClass.TOTAL,
    "raw": None,
    "settings_revision": None,
    "text": None,
    "timestamp": None,
}
_DIAGNOSTIC: Final = frozenset({"battery", "packet_id", "settings_revision", "signal_strength"})
_HIDDEN: Final = frozenset({"packet_id", "signal_strength"})
_OWN_NAME: Final = frozenset(  # the others are named after their device class
    {
        "acceleration",
        "channel",
        "count",
        "dew_point",
        "direction",
        "gyroscope",
        "light_level",
        "packet_id",
        "raw",
        "rotation",
        "rotational_speed",
        "settings_revision",
        "text",
        "uv_index",
    }
)


def sensor_description(key: str, bthome_class: str, unit: str | None) -> SensorEntityDescription:
    """Describe one measurement: BTHome's key, class and unit."""
    own_name = bthome_class in _OWN_NAME
    return SensorEntityDescription(
        key=key,
        device_class=_RENAMED_CLASSES.get(bthome_class) or (None if own_name else _device_class(bthome_class)),
        native_unit_of_measurement=None if unit is None else _RENAMED_UNITS.get(unit, unit),
        state_class=_STATE_CLASSES.get(bthome_class, SensorStateClass.MEASUREMENT),
        translation_key=bthome_class if own_name else None,
        entity_category=EntityCategory.DIAGNOSTIC if bthome_class in _DIAGNOSTIC else None,
        entity_registry_enabled_default=bthome_class not in _HIDDEN,
    )


def _device_class(bthome_class: str) -> SensorDeviceClass | None:
    return SensorDeviceClass(bthome_class) if bthome_class in SensorDeviceClass else None


def binary_sensor_description(key: str, bthome_class: str) -> BinarySensorEntityDescription:
    """Describe one binary measurement; BTHome and Home Assistant have the same classes."""
    device_class = BinarySensorDeviceClass(bthome_class) if bthome_class in BinarySensorDeviceClass else None
    return BinarySensorEntityDescription(key=key, device_class=device_class, translation_key=None if device_class else "generic")


EVENT_TYPES: Final = {
    "button": ["press", "double_press", "triple_press", "long_press", "long_double_press", "long_triple_press", "hold_press"],
    "dimmer": ["rotate_left", "rotate_right"],
    "command": ["off", "on", "toggle", "step_up", "step_down"],
}


def event_description(key: str) -> EventEntityDescription:
    """Describe a button, dimmer or command; `button_2` is the second one. KeyError for anything else."""
    kind, _, number = key.partition("_")
    return EventEntityDescription(
        key=key,
        translation_key=f"{kind}_numbered" if number else kind,
        event_types=EVENT_TYPES[kind],
        device_class=EventDeviceClass.BUTTON if kind == "button" else None,
    )
