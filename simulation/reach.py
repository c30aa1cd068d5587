"""How far radios reach: who hears whom, how strongly, and what distance adds to the losses. Pure.

The law is that of `propagation.py`. There a radio is heard 100 m away: its mean power has then fallen to `SENSITIVITY`.
Inside a house walls take some of it. A reach of fewer metres is a constant attenuation, such that the mean power falls to
`SENSITIVITY` just there; beyond it nothing passes at all. So the losses grow with the distance as the model says, from
interference alone nearby to about every second packet at the reach, and come on top of the plan's own loss,
independent of it. The strength that a receiver reports is attenuated by the same amount.
"""

from dataclasses import dataclass
import math

from simulation.places import NEAREST, Place, rssi
from simulation.propagation import SENSITIVITY, Air, Hearing, Moment, mean_power

ADDRESS_BYTES = 6
"""Bytes of a legacy advertisement or scan response besides its data: the advertiser's address."""
NO_SHADOWING = 0.0
"""dB: distance alone decides who hears whom, so every path has the mean of the log-normal law."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet on the air: who sent it where, bytes of its PDU's payload, and what else was on the air."""

    sender: str
    place: Place
    payload: int
    moment: Moment
    response: bool = False


class Reach:
    """What distance does to packets.

    Args:
        seed: of the world; senders and receivers have random numbers of their own, by their names.
        metres: how far a radio is heard. Infinite, the default: everybody hears everybody, and distance loses nothing.

    Raises:
        ValueError: `metres` is not more than `NEAREST`.
    """

    def __init__(self, seed: int | str = 0, metres: float = math.inf) -> None:
        if not metres > NEAREST:
            raise ValueError(f"the reach must be more than {NEAREST} metres, not {metres}")
        self.metres = metres
        self.limited = metres < math.inf
        self._seed = seed
        self._gain = SENSITIVITY - mean_power(metres) if self.limited else 0.0
        self._airs: dict[tuple[str, bool], Air] = {}
        self._hearings: dict[tuple[str, str, bool], Hearing] = {}

    def covers(self, one: Place, other: Place) -> bool:
        """Whether radios at two places hear each other."""
        return one.distance(other) <= self.metres

    def strength(self, sender: Place, receiver: Place) -> int:
        """Return the received strength in dBm."""
        return rssi(sender, receiver, self._gain)

    def send(self, sender: str, place: Place, data: bytes, *, response: bool = False) -> Packet:
        """Put a packet with an advertiser's address and `data` on the air; all receivers meet the same interference."""
        payload = ADDRESS_BYTES + len(data)
        if not self.limited:
            return Packet(sender, place, payload, Moment(), response)
        key = (sender, response)
        if key not in self._airs:
            self._airs[key] = Air(f"{self._seed}/{sender}/{response}")
        return Packet(sender, place, payload, self._airs[key].moment(payload), response)

    def loses(self, packet: Packet, receiver: str, place: Place) -> bool:
        """Whether a receiver in reach loses the packet for its distance; always takes the same random numbers."""
        if not self.limited:
            return False
        key = (receiver, packet.sender, packet.response)
        metres = packet.place.distance(place)
        if key not in self._hearings:
            self._hearings[key] = Hearing(f"{self._seed}/{'/'.join(map(str, key))}", metres, self._gain, NO_SHADOWING)
        hearing = self._hearings[key]
        hearing.move(metres)
        return hearing.lost(packet.moment, packet.payload)
