"""Bumble's virtual controller, corrected where a real one behaves otherwise (device.md, "Bumble's virtual controller")."""

import asyncio
from typing import TYPE_CHECKING, override

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport

from simulation.advertising import (
    LEGACY_CONNECTABLE,
    MAX_DATA,
    MIN_INTERVAL_UNITS,
    UNIT,
    AdvertisingEvent,
    Properties,
    RadioAdvertisingSet,
)
from simulation.reports import advertising_report, connection_failed, refused

if TYPE_CHECKING:
    from simulation.link import LossyLink

ACL_BYTES = 251
"""A controller with data length extension; Bumble's 27 would only multiply packets on the socket."""


class RadioController(Controller):
    """One Bluetooth LE controller of the world: what its host sees is what a real controller would show.

    Against Bumble's: the received strength is told, no advertisement is repeated as a false scan response,
    31 bytes and 20 ms are enforced, a cancelled or lost connection attempt ends with its event, a reset resets, and
    two devices have one connection at most, whichever of them asked for it.
    """

    link: LossyLink
    le_acl_data_packet_length = ACL_BYTES

    # What is heard

    def hear(self, event: AdvertisingEvent, rssi: int, *, response_lost: bool) -> None:
        """Take an advertising event that reached this receiver: report it, and connect if the host waits for it."""
        if self.le_scan_enable:
            self.send_hci_packet(advertising_report(event, rssi))
            active = self.le_scan_type == hci.HCI_LE_Set_Scan_Parameters_Command.ACTIVE_SCANNING
            if active and event.scannable and event.scan_response and not response_lost:
                self.send_hci_packet(advertising_report(event, rssi, response=True))
        pending = self.pending_le_connection
        if pending and event.connectable and pending.peer_address == event.address and not self._is_connected(event.address):
            self.create_le_connection(event.address)

    @property
    def listening(self) -> bool:
        """Whether its receiver is on for advertisements."""
        return self.le_scan_enable or self.pending_le_connection is not None

    # Connections

    def accepts(self, packet: ll.ConnectInd) -> bool:
        """Whether a connect indication would find an enabled advertiser here, which is not the initiator's central itself."""
        connection = self.le_connections.get(packet.initiator_address)
        return self._advertises(packet.advertiser_address) and (connection is None or connection.role == hci.Role.PERIPHERAL)

    def _advertises(self, address: hci.Address) -> bool:
        legacy = self.le_legacy_advertiser
        return (legacy.enabled and legacy.address == address) or any(
            one.enabled and one.address == address for one in self.advertising_sets.values()
        )

    def _is_connected(self, address: hci.Address) -> bool:
        """Whether there is a connection with `address` in either role, and the other end still has it."""
        connection = self.le_connections.get(address)
        return connection is not None and self.link.peer_of(connection) is not None

    @override
    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        if stale := self.le_connections.get(packet.initiator_address):
            self.drop(stale, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        super().on_le_connect_ind(packet)

    @override
    def create_le_connection(self, peer_address: hci.Address) -> None:
        if stale := self.le_connections.get(peer_address):
            self.drop(stale, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        super().create_le_connection(peer_address)

    def drop(self, connection: Connection, reason: int) -> None:
        """End `connection` on this side alone, if it is still the live one."""
        if self.le_connections.get(connection.peer_address) is connection:
            self.on_le_disconnected(connection, reason)

    @override
    def on_ll_control_pdu(self, sender_address: hci.Address, packet: ll.ControlPdu) -> None:
        if sender_address in self.le_connections:
            super().on_ll_control_pdu(sender_address, packet)

    @override
    def on_link_acl_data(self, sender_address: hci.Address, transport: PhysicalTransport, data: bytes) -> None:
        if sender_address in self.le_connections:
            super().on_link_acl_data(sender_address, transport, data)

    @override
    def on_hci_le_create_connection_command(self, command: hci.HCI_LE_Create_Connection_Command) -> None:
        if self._is_connected(command.peer_address):
            self._send_hci_command_status(hci.HCI_ErrorCode.CONNECTION_ALREADY_EXISTS_ERROR, command.op_code)
        else:
            super().on_hci_le_create_connection_command(command)

    @override
    def on_hci_le_extended_create_connection_command(self, command: hci.HCI_LE_Extended_Create_Connection_Command) -> None:
        if self._is_connected(command.peer_address):
            self._send_hci_command_status(hci.HCI_ErrorCode.CONNECTION_ALREADY_EXISTS_ERROR, command.op_code)
        else:
            super().on_hci_le_extended_create_connection_command(command)

    @override
    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        if (pending := self.pending_le_connection) is None:
            return refused(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        loop = asyncio.get_running_loop()
        loop.call_soon(self.send_hci_packet, connection_failed(pending.peer_address))
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    # Advertising

    @override
    def send_advertising_pdu(self, packet: ll.AdvertisingPdu) -> None:
        if isinstance(packet, ll.AdvInd):
            response = bytes(self.le_legacy_advertiser.scan_response_data)
            packet = AdvertisingEvent(packet.advertiser_address, bytes(packet.data), response, LEGACY_CONNECTABLE)
        super().send_advertising_pdu(packet)

    @override
    def on_hci_le_set_advertising_parameters_command(
        self, command: hci.HCI_LE_Set_Advertising_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        if command.advertising_interval_min < MIN_INTERVAL_UNITS:
            return refused(hci.HCI_ErrorCode.INVALID_COMMAND_PARAMETERS_ERROR)
        result = super().on_hci_le_set_advertising_parameters_command(command)
        # Bumble takes the units of 0.625 ms for milliseconds
        self.le_legacy_advertiser.advertising_interval_min = round(command.advertising_interval_min * UNIT * 1000)
        return result

    @override
    def on_hci_le_set_extended_advertising_parameters_command(
        self, command: hci.HCI_LE_Set_Extended_Advertising_Parameters_Command
    ) -> hci.HCI_LE_Set_Extended_Advertising_Parameters_ReturnParameters:
        handle = command.advertising_handle
        legacy = command.advertising_event_properties & Properties.USE_LEGACY_ADVERTISING_PDUS
        if not legacy or command.primary_advertising_interval_min < MIN_INTERVAL_UNITS:
            return hci.HCI_LE_Set_Extended_Advertising_Parameters_ReturnParameters(
                status=hci.HCI_ErrorCode.INVALID_COMMAND_PARAMETERS_ERROR, selected_tx_power=0
            )
        self.advertising_sets.setdefault(handle, RadioAdvertisingSet(self, handle))
        return super().on_hci_le_set_extended_advertising_parameters_command(command)

    @override
    def on_hci_le_set_advertising_set_random_address_command(
        self, command: hci.HCI_LE_Set_Advertising_Set_Random_Address_Command
    ) -> hci.HCI_StatusReturnParameters:
        handle = command.advertising_handle
        self.advertising_sets.setdefault(handle, RadioAdvertisingSet(self, handle))
        return super().on_hci_le_set_advertising_set_random_address_command(command)

    @override
    def on_hci_le_set_extended_advertising_data_command(
        self, command: hci.HCI_LE_Set_Extended_Advertising_Data_Command
    ) -> hci.HCI_StatusReturnParameters:
        if len(command.advertising_data) > MAX_DATA:
            return refused(hci.HCI_ErrorCode.INVALID_COMMAND_PARAMETERS_ERROR)
        return super().on_hci_le_set_extended_advertising_data_command(command)

    @override
    def on_hci_le_set_extended_scan_response_data_command(
        self, command: hci.HCI_LE_Set_Extended_Scan_Response_Data_Command
    ) -> hci.HCI_StatusReturnParameters:
        if len(command.scan_response_data) > MAX_DATA:
            return refused(hci.HCI_ErrorCode.INVALID_COMMAND_PARAMETERS_ERROR)
        return super().on_hci_le_set_extended_scan_response_data_command(command)

    @override
    def on_hci_le_set_extended_advertising_enable_command(
        self, command: hci.HCI_LE_Set_Extended_Advertising_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        limits = zip(command.advertising_handles, command.max_extended_advertising_events, strict=True)
        for handle, max_events in limits:
            if isinstance(one := self.advertising_sets.get(handle), RadioAdvertisingSet):
                one.max_events = max_events
        return super().on_hci_le_set_extended_advertising_enable_command(command)

    # Scanning, resetting

    @override
    def on_hci_le_set_extended_scan_parameters_command(
        self, command: hci.HCI_LE_Set_Extended_Scan_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        self.le_scan_type = command.scan_types[0]
        return super().on_hci_le_set_extended_scan_parameters_command(command)

    @override
    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        self.silence()
        for connection in list(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR))
        self.le_connections.clear()
        return super().on_hci_reset_command(_command)

    def silence(self) -> None:
        """Stop advertising, scanning and connecting, at once and without a word to the host."""
        self.le_legacy_advertiser.stop()
        for one in self.advertising_sets.values():
            one.stop()
        self.advertising_sets.clear()
        self.le_scan_enable = False
        self.pending_le_connection = None
