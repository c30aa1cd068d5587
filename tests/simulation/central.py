"""A central in a process of its own, to be killed: scans and connects to an address through a port, says so, and stays."""

import asyncio
import sys

from bleak.backends.device import BLEDevice

from simulation.bleak_client import ADDRESS_TYPE, BumbleBleakClient
from simulation.host import ScannerHost


async def main(port: int, address: str) -> None:
    host = ScannerHost(lambda _report: None)
    await host.open(port)
    await host.scan(active=False)
    client = BumbleBleakClient(host, BLEDevice(address, None, {ADDRESS_TYPE: 0}))
    await client.connect(pair=False)
    print("connected", flush=True)
    await asyncio.sleep(60)


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
