"""The HCI events and results by which a controller tells its host what happened."""

from bumble import hci

from simulation.advertising import AdvertisingEvent, Properties

ReportEvent = hci.HCI_LE_Extended_Advertising_Report_Event
REPORTED = Properties.CONNECTABLE_ADVERTISING | Properties.SCANNABLE_ADVERTISING | Properties.USE_LEGACY_ADVERTISING_PDUS
"""Bits that a report has in common with the properties of the advertiser."""


def advertising_report(event: AdvertisingEvent, rssi: int, *, response: bool = False) -> hci.HCI_Packet:
    """Report an advertisement, or the answer to this receiver's scan request."""
    kind = int(event.properties & REPORTED) | (ReportEvent.EventType.SCAN_RESPONSE if response else 0)
    report = ReportEvent.Report(
        event_type=kind,
        address_type=event.address.address_type,
        address=event.address,
        primary_phy=hci.Phy.LE_1M,
        secondary_phy=hci.Phy(0),
        advertising_sid=ReportEvent.NO_ADI_FIELD_PROVIDED,
        tx_power=ReportEvent.TX_POWER_INFORMATION_NOT_AVAILABLE,
        rssi=rssi,
        periodic_advertising_interval=0,
        direct_address_type=0,
        direct_address=hci.Address.ANY,
        data=event.scan_response if response else event.data,
    )
    return ReportEvent([report])


def connection_failed(peer_address: hci.Address) -> hci.HCI_Packet:
    """Tell that the host's own cancelling ended a connection attempt (Bluetooth Core 5.4, vol. 4 E 7.8.13)."""
    return hci.HCI_LE_Connection_Complete_Event(
        status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
        connection_handle=0,
        role=hci.Role.CENTRAL,
        peer_address_type=peer_address.address_type,
        peer_address=peer_address,
        connection_interval=0,
        peripheral_latency=0,
        supervision_timeout=0,
        central_clock_accuracy=0,
    )


def refused(error: hci.HCI_ErrorCode) -> hci.HCI_StatusReturnParameters:
    """Refuse a command."""
    return hci.HCI_StatusReturnParameters(error)
