"""Pairing through the config flow, on the radio."""

from homeassistant.core import HomeAssistant

from .conftest import StartDevice, pair, state_of, until


async def test_pair_and_read(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    entry = await pair(home, device)
    assert entry.unique_id == device.identity
    await until(lambda: state_of(home, "sensor.test_thermometer_temperature"))
    assert state_of(home, "binary_sensor.test_thermometer_code_compared") == "on"
