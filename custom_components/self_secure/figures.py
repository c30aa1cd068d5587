"""What can be measured of a pairing and its traffic, for sensors, actions and diagnostics alike."""

from typing import Any

from homeassistant.core import HomeAssistant

from . import radio
from .coordinator import SelfSecureCoordinator
from .protocol.connection import Connection
from .protocol.suites import SUITES


def suite_name(connection: Connection) -> str | None:
    """Return "hybrid", "loss" or "paper"; None without a key."""
    return SUITES[connection.record.suite].name if connection.record else None


def loss_at_pairing(connection: Connection) -> float | None:
    """Return the percentage of the broadcast that this hub missed."""
    return round(100 * connection.record.loss, 1) if connection.record else None


def secrecy_bits(connection: Connection) -> float | None:
    """Return the bits that an eavesdropper does not know who misses as much as assumed (protocol.md 5 rule 3)."""
    return round(connection.record.secrecy_bits, 1) if connection.record else None


def assumed_loss(connection: Connection) -> int | None:
    """Return the percentage that such an eavesdropper is assumed to miss: the condition of `secrecy_bits`."""
    return connection.record.assumed_loss if connection.record else None


def relayed(connection: Connection) -> bool | None:
    """Return whether the key came about through a relay: then packet loss keeps nothing secret from that (protocol.md 10)."""
    return connection.record.relayed if connection.record else None


def retransmission_rate(connection: Connection) -> float | None:
    """Return the percentage of transmissions that repeated one; None before the first, counted since the start."""
    counted = connection.statistics
    return round(100 * (counted.attempts - counted.sent) / counted.attempts, 1) if counted.attempts else None


def link_quality(hass: HomeAssistant, coordinator: SelfSecureCoordinator) -> dict[str, Any]:
    """Return all of it, as JSON types."""
    connection, reach = coordinator.connection, coordinator.reach
    relay = reach.way
    row = next((row for one, row in reach.hearing if one is relay), None)
    return {
        "present": coordinator.present,
        "connected": coordinator.client.contact.is_open,
        "signal": radio.signal(hass, coordinator.address),
        "relay": relay.name() if relay else None,
        "hops": row.hops + 1 if row else None,
        "signal_at_relay": row.rssi if row else None,
        "retransmission_rate": retransmission_rate(connection),
        "loss_at_pairing": loss_at_pairing(connection),
        "secrecy_bits": secrecy_bits(connection),
        "assumed_loss": assumed_loss(connection),
        "suite": suite_name(connection),
        "verified": connection.record.verified if connection.record else None,
        "epoch": connection.epoch,
        "relayed": relayed(connection),
        "queued": connection.queued,
        "frames_dropped": connection.statistics.dropped,
    }
