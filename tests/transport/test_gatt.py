"""The link over Bleak, its errors mapped once; that it carries fragments is tested on the virtual radio."""

from types import SimpleNamespace
from typing import Any

from bleak.exc import BleakCharacteristicNotFoundError, BleakError
from bleak_retry_connector import BleakAbortedError, BleakNotFoundError, BleakOutOfConnectionSlotsError
import pytest

from custom_components.self_secure.transport.gatt import GattLink, _mapped, _payload
from custom_components.self_secure.transport.link import PAYLOAD_MAX, PAYLOAD_MIN, LinkError, LinkErrorKind


def ignore(*_: object) -> None:
    """Hear nothing."""


def mapped(error: Exception) -> LinkErrorKind:
    with pytest.raises(LinkError) as caught, _mapped(LinkErrorKind.REFUSED):
        raise error
    return caught.value.kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BleakOutOfConnectionSlotsError("full"), LinkErrorKind.NO_SLOT),
        (BleakNotFoundError("away"), LinkErrorKind.NOT_FOUND),
        (BleakCharacteristicNotFoundError("7a6f"), LinkErrorKind.UNSUPPORTED),
        (BleakAbortedError("aborted"), LinkErrorKind.REFUSED),
        (BleakError("whatever"), LinkErrorKind.REFUSED),
        (TimeoutError(), LinkErrorKind.TIMEOUT),
        (OSError("D-Bus"), LinkErrorKind.REFUSED),
        (EOFError(), LinkErrorKind.REFUSED),
        (AttributeError("bleak's backend has gone"), LinkErrorKind.REFUSED),
    ],
)
def test_errors_of_bleak(error: Exception, kind: LinkErrorKind) -> None:
    assert mapped(error) is kind


def test_error_of_our_own_stays() -> None:
    assert mapped(LinkError(LinkErrorKind.NOT_FOUND, "away")) is LinkErrorKind.NOT_FOUND


def test_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), _mapped(LinkErrorKind.REFUSED):
        raise ZeroDivisionError


async def test_device_that_nobody_hears() -> None:
    link = GattLink(lambda: None, "device")
    with pytest.raises(LinkError) as caught:
        await link.open(ignore, ignore)
    assert caught.value.kind is LinkErrorKind.NOT_FOUND


async def test_writing_before_opening() -> None:
    with pytest.raises(LinkError) as caught:
        await GattLink(lambda: None, "device").write(b"x")
    assert caught.value.kind is LinkErrorKind.LOST


async def test_closing_what_was_never_open() -> None:
    await GattLink(lambda: None, "device").close()


@pytest.mark.parametrize(
    ("without_response", "mtu", "payload"),
    [(20, 23, PAYLOAD_MIN), (20, 247, 244), (20, 185, 182), (244, 23, 244), (512, 515, PAYLOAD_MAX), (100, 0, 100), (20, 0, PAYLOAD_MIN)],
)
def test_payload_is_what_the_backend_tells_within_bounds(without_response: int, mtu: int, payload: int) -> None:
    client: Any = SimpleNamespace(mtu_size=mtu)
    characteristic: Any = SimpleNamespace(max_write_without_response_size=without_response)
    assert _payload(client, characteristic) == payload
