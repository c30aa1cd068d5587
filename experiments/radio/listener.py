"""A listener: a passive scan that never looks away, until the sender's last run is over."""

import asyncio
from collections.abc import Callable

from bumble.device import Advertisement

from .adapter import powered
from .packets import TestPacket
from .recording import Recording

ADDRESS = "C5:5C:00:00:00:02"
WINDOW = 60.0  # ms, window and interval alike: the radio always listens
QUIET = 5.0  # s without a packet after the last run has begun: it is over
LOOK = 0.2  # s between two looks at the clock


async def listen(spec: str, recording: Recording, limit: float, say: Callable[[str], None], quiet: float = QUIET) -> None:
    """Record until the last run is over, at most for `limit` seconds."""
    loop = asyncio.get_running_loop()
    last = loop.time()

    def hear(advertisement: Advertisement) -> None:
        nonlocal last
        packet = TestPacket.decode(bytes(advertisement.data_bytes))
        if packet is None or advertisement.is_scan_response:
            return
        if packet.run not in recording.runs:
            say(f"run {packet.run + 1} of {packet.runs}")
        recording.hear(packet)
        last = loop.time()

    async with powered(spec, ADDRESS) as device:
        device.on("advertisement", hear)
        await device.start_scanning(active=False, filter_duplicates=False, scan_interval=WINDOW, scan_window=WINDOW)
        say("listening")
        end = loop.time() + limit
        while loop.time() < end and not (recording.at_last_run and loop.time() - last > quiet):  # noqa: ASYNC110  # what ends it is the clock, there is no event
            await asyncio.sleep(LOOK)
        await device.stop_scanning()
