"""What goes over the air in one advertising event, and the advertiser that sends it."""

import asyncio
from dataclasses import dataclass
import random
from typing import TYPE_CHECKING, override

from bumble import hci, ll
from bumble.controller import AdvertisingSet

if TYPE_CHECKING:
    from simulation.controller import RadioController

MAX_DATA = 31
"""Bytes of a legacy advertisement or scan response (Bluetooth Core 5.4, vol. 6 B 2.3.1)."""
MIN_INTERVAL_UNITS = 0x20
"""20 ms in units of 0.625 ms: the shortest advertising interval (Bluetooth Core 5.4, vol. 4 E 7.8.53)."""
MIN_INTERVAL = 0.020
"""The same in seconds."""
UNIT = 0.000625
"""Seconds per unit of an advertising interval."""
MAX_DELAY = 0.010
"""Seconds; a controller adds a random 0-10 ms to each interval (advDelay, vol. 6 B 4.4.2.2)."""
LATE_EVENTS = 3
"""Events that may follow each other faster than `MIN_INTERVAL`: a busy machine's timers fire late, then catch up.
On average the floor holds."""

EVENT_SECONDS = 0.004
"""How long an advertising event lasts: three channels with the pauses for scan requests and connect indications. The
last event of a limited set is connectable like every other."""

Properties = hci.HCI_LE_Set_Extended_Advertising_Parameters_Command.AdvertisingProperties
LEGACY_CONNECTABLE = Properties.USE_LEGACY_ADVERTISING_PDUS | Properties.CONNECTABLE_ADVERTISING | Properties.SCANNABLE_ADVERTISING


@dataclass(frozen=True, slots=True)
class AdvertisingEvent(ll.AdvertisingPdu):
    """One legacy advertising event: its packet, and what a scan request would be answered with."""

    address: hci.Address
    data: bytes
    scan_response: bytes = b""
    properties: Properties = LEGACY_CONNECTABLE

    @property
    def connectable(self) -> bool:
        """Whether a connect indication would be accepted."""
        return bool(self.properties & Properties.CONNECTABLE_ADVERTISING)

    @property
    def scannable(self) -> bool:
        """Whether a scan request would be answered."""
        return bool(self.properties & Properties.SCANNABLE_ADVERTISING)


class RadioAdvertisingSet(AdvertisingSet):
    """Bumble's advertising set with the random delay and the limit of events that real controllers have.

    Bumble's own can run two timers after a quick restart and ignores the number of events asked for.
    """

    controller: RadioController
    max_events: int = 0
    sent: int = 0

    @override
    def start(self) -> None:
        self.stop()
        self.enabled = True
        self.sent = 0
        self.timer_handle = asyncio.get_running_loop().call_soon(self._on_extended_advertising_timer_fired)

    @override
    def _on_extended_advertising_timer_fired(self) -> None:
        self.send_extended_advertising_data()
        self.sent += 1
        if self.sent == self.max_events:
            self.timer_handle = asyncio.get_running_loop().call_later(EVENT_SECONDS, self._end)
            return
        wait = self._interval() + random.uniform(0, MAX_DELAY)
        self.timer_handle = asyncio.get_running_loop().call_later(wait, self._on_extended_advertising_timer_fired)

    def _interval(self) -> float:
        return self.parameters.primary_advertising_interval_min * UNIT if self.parameters else 1.0

    def _end(self) -> None:
        self.stop()
        self.controller.send_hci_packet(
            hci.HCI_LE_Advertising_Set_Terminated_Event(
                status=hci.HCI_ErrorCode.LIMIT_REACHED_ERROR,
                advertising_handle=self.handle,
                connection_handle=0,
                num_completed_extended_advertising_events=self.sent,
            )
        )

    @override
    def send_extended_advertising_data(self) -> None:
        address = self.address
        if address is None or self.parameters is None:
            return
        properties = Properties(self.parameters.advertising_event_properties)
        self.controller.send_advertising_pdu(AdvertisingEvent(address, bytes(self.data), bytes(self.scan_response_data), properties))


class Floor:
    """Keeps one advertiser at the 20 ms floor on average, with `LATE_EVENTS` in hand for late timers."""

    def __init__(self) -> None:
        self._free_at = 0.0

    def allows(self, now: float) -> bool:
        """Whether an event may leave at `now` (seconds, monotonic); counts it if so."""
        earliest = max(self._free_at, now - (LATE_EVENTS - 1) * MIN_INTERVAL)
        if now < earliest - 1e-9:
            return False
        self._free_at = earliest + MIN_INTERVAL
        return True
