"""Sensors about the pairing itself: known without the device, so always available."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import SIGNAL_STRENGTH_DECIBELS_MILLIWATT, EntityCategory, UnitOfInformation, UnitOfRatio
from homeassistant.core import callback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.typing import StateType
from homeassistant.util import dt as dt_util

from . import figures, radio
from .coordinator import PRESENCE_INTERVAL, SelfSecureCoordinator
from .entity import SelfSecureEntity
from .hub import HUB
from .protocol.connection import Connection
from .protocol.events import EpochStarted, Event, MessageDelivered, MessageReceived
from .protocol.suites import SUITES

_ASSUMPTION: Final = "assumed_loss"  # attribute: percent that the eavesdropper is assumed to miss

_RELAYED: Final = "relayed"  # attribute: whether a relay, which missed nothing, passed the packets on


@dataclass(frozen=True, kw_only=True)
class FigureDescription(SensorEntityDescription):
    """A figure that the connection's present state tells."""

    value: Callable[[Connection], StateType]
    attributes: Callable[[Connection], dict[str, Any]] = lambda _: {}


def _figure(key: str, value: Callable[[Connection], StateType], **more: Any) -> FigureDescription:
    return FigureDescription(key=key, translation_key=key, entity_category=EntityCategory.DIAGNOSTIC, value=value, **more)


FIGURES: Final = (
    _figure("suite", figures.suite_name, device_class=SensorDeviceClass.ENUM, options=sorted(suite.name for suite in SUITES.values())),
    _figure(
        "secrecy",
        figures.secrecy_bits,
        native_unit_of_measurement=UnitOfInformation.BITS,
        suggested_display_precision=0,
        attributes=lambda connection: {_ASSUMPTION: figures.assumed_loss(connection), _RELAYED: figures.relayed(connection)},
    ),
    _figure(
        "loss_at_pairing",
        figures.loss_at_pairing,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=1,
    ),
    _figure(
        "retransmission_rate",
        figures.retransmission_rate,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_registry_enabled_default=False,
    ),
    _figure("epoch", lambda connection: connection.epoch, entity_registry_enabled_default=False),
)
MESSAGES: Final = SensorEntityDescription(
    key="messages",
    translation_key="messages",
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
    state_class=SensorStateClass.TOTAL_INCREASING,
)
KEY_CHANGED: Final = SensorEntityDescription(
    key="key_changed",
    translation_key="key_changed",
    entity_category=EntityCategory.DIAGNOSTIC,
    device_class=SensorDeviceClass.TIMESTAMP,
)
SIGNAL: Final = SensorEntityDescription(
    key="signal",
    device_class=SensorDeviceClass.SIGNAL_STRENGTH,
    native_unit_of_measurement=SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    state_class=SensorStateClass.MEASUREMENT,
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
)


def diagnostic_sensors(coordinator: SelfSecureCoordinator) -> list[SensorEntity]:
    """Return all sensors of this module for one device."""
    figures_shown = (FigureSensor(coordinator, description) for description in FIGURES)
    return [*figures_shown, MessagesSensor(coordinator), KeyChangedSensor(coordinator), SignalSensor(coordinator)]


class DiagnosticSensor(SelfSecureEntity, SensorEntity):
    """Looks again at each event of the protocol, and writes its own state alone."""

    def __init__(self, coordinator: SelfSecureCoordinator, description: SensorEntityDescription) -> None:
        super().__init__(coordinator, description, description.key)

    @property
    @override
    def available(self) -> bool:
        return True  # known without the device

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.coordinator.protocol_listeners.add(self._heard)
        self.async_on_remove(lambda: self.coordinator.protocol_listeners.discard(self._heard))

    @callback
    def _heard(self, event: Event) -> None:
        if isinstance(event, MessageReceived | MessageDelivered | EpochStarted):
            self._look(event)
            self.async_write_ha_state()

    def _look(self, event: Event) -> None:
        """Take in what an event changed."""


class FigureSensor(DiagnosticSensor):
    """Shows a figure of the connection."""

    entity_description: FigureDescription

    @property
    @override
    def native_value(self) -> StateType:
        return self.entity_description.value(self.coordinator.connection)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        return self.entity_description.attributes(self.coordinator.connection)


class MessagesSensor(DiagnosticSensor):
    """Messages that either side accepted since the pairing."""

    def __init__(self, coordinator: SelfSecureCoordinator) -> None:
        super().__init__(coordinator, MESSAGES)

    @property
    @override
    def native_value(self) -> int:
        return self.hass.data[HUB].tallies.of(self.coordinator.identity)


class KeyChangedSensor(DiagnosticSensor, RestoreSensor):
    """When the present keys began: with a pairing or with a resume."""

    def __init__(self, coordinator: SelfSecureCoordinator) -> None:
        super().__init__(coordinator, KEY_CHANGED)

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        last = await self.async_get_last_sensor_data()
        if last is not None and isinstance(last.native_value, datetime):
            self._attr_native_value = last.native_value

    @override
    def _look(self, event: Event) -> None:
        if isinstance(event, EpochStarted):
            self._attr_native_value = dt_util.utcnow()


class SignalSensor(DiagnosticSensor):
    """Strength of the last beacon at the adapter or proxy that hears the device best; at a relay if only that hears it."""

    def __init__(self, coordinator: SelfSecureCoordinator) -> None:
        super().__init__(coordinator, SIGNAL)

    @property
    @override
    def available(self) -> bool:
        return self.coordinator.present

    @property
    @override
    def native_value(self) -> int | None:
        rows = self.coordinator.reach.hearing
        there = rows[0][1].rssi if rows and not self.coordinator.reach.is_near else None
        return radio.signal(self.hass, self.coordinator.address) if there is None else there

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(async_track_time_interval(self.hass, self._tick, PRESENCE_INTERVAL))

    @callback
    def _tick(self, _now: datetime) -> None:
        self.async_write_ha_state()
