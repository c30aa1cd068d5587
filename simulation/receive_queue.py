"""A host that takes packets more slowly than they may come: a finite queue with one server. Pure.

The radio hands each packet that it received to its host (on a Raspberry Pi 3 through a serial port); a program there
takes one after the other. What arrives while the buffer is full is lost although the radio heard it. Such losses grow
with the length of a run, because the queue starts empty, and nobody else has them: an eavesdropper with a faster host
holds exactly these packets. A channel without memory cannot lose a larger share of more packets; this can.
"""

from collections import deque
import random

SLOW_SERVICE = 0.0098  # s, mean: a script that prints and stores each packet, just able to follow one every 10 ms
FAST_SERVICE = 0.001  # s, mean: a host that keeps up with anything an advertiser may send
CAPACITY = 16  # packets: the order of an HCI controller's event buffers


class ReceiveQueue:
    """Packets that wait for the host; `service` is the mean time in seconds that it needs for one, exponential.

    Exponential, because the interpreter, a terminal and an SD card sometimes take much longer than usual; its memoryless
    form makes the queue the well-known D/M/1/K, G/M/1/K after losses.
    """

    def __init__(self, seed: int | str, service: float = SLOW_SERVICE, capacity: int = CAPACITY) -> None:
        self._random = random.Random(f"{seed} queue")
        self._service, self._capacity = service, capacity
        self._done: deque[float] = deque()  # when each packet inside leaves

    def accepts(self, now: float) -> bool:
        """A packet arrives at `now` (seconds, rising): return whether there was room for it."""
        while self._done and self._done[0] <= now:
            self._done.popleft()
        if len(self._done) >= self._capacity:
            return False
        begin = self._done[-1] if self._done else now
        self._done.append(begin + self._random.expovariate(1 / self._service))
        return True
