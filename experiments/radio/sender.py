"""The sender: every packet once, at its pace, run after run."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from self_secure_device_linux.advertiser import Advertiser, advertiser

from .adapter import powered
from .packets import TestPacket

ADDRESS = "C5:5C:00:00:00:01"  # a static random one
COUNTS = (200, 400, 800)  # the paper's
REPETITIONS = 10  # the paper's
INTERVAL = 30  # ms; legacy advertising allows no less than 20, so the paper's 10 ms and its 64 bytes cannot be repeated with it
PAUSE = 1.0  # s between two runs: receive queues run empty, as the paper's certainly did


@dataclass(frozen=True, slots=True)
class Plan:
    """What one call sends, at one distance."""

    session: int
    counts: Sequence[int] = COUNTS
    repetitions: int = REPETITIONS
    interval: int = INTERVAL  # ms
    pause: float = PAUSE

    def runs(self) -> Iterator[list[TestPacket]]:
        """Yield the packets of each run; the numbers of packets take turns, so that slow changes of the channel hit all alike."""
        lengths = [packets for _ in range(self.repetitions) for packets in self.counts]
        for run, packets in enumerate(lengths):
            yield [TestPacket(self.session, run, len(lengths), packets, self.interval, seq) for seq in range(packets)]


async def send(spec: str, plan: Plan, say: Callable[[str], None]) -> None:
    """Send the whole plan."""
    async with powered(spec, ADDRESS) as device:
        air = advertiser(device)
        for packets in plan.runs():
            say(f"run {packets[0].run + 1} of {packets[0].runs}: {len(packets)} packets")
            await _send_run(air, packets, plan.interval / 1000)
            await air.stop()
            await asyncio.sleep(plan.pause)


async def _send_run(air: Advertiser, packets: list[TestPacket], interval: float) -> None:
    loop = asyncio.get_running_loop()
    for packet in packets:
        until = loop.time() + interval
        await air.air(packet.encode())
        await asyncio.sleep(until - loop.time())
