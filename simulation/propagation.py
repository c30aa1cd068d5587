"""How strongly a packet arrives and whether it survives: path loss, shadowing, fading, noise and Wi-Fi bursts. Pure.

A *simulation*: its constants are textbook and data-sheet values, none is fitted to the paper's Fig. 7, whose numbers
the paper does not print. Sources:

* path loss: the log-distance law with the constants of `places.py` (indoors, Rappaport, Wireless Communications, ch. 4);
* shadowing: log-normal, one draw per receiver and run (who stands where, how the antennas are turned);
* fading: Rician with K = 6 dB, one draw per packet, because advertising hops over channels 37, 38, 39 and each of them
  has its own multipath;
* bits: non-coherent binary FSK, BER = 1/2 exp(-SINR/2) (Proakis, Digital Communications, ch. 5). With the noise figure
  below 0.1 % BER lies at about -93 dBm, what data sheets of Bluetooth chips of that time give as sensitivity;
* interference: Wi-Fi bursts at Poisson times. The *same* burst reaches every receiver of a room, somewhat stronger here
  and weaker there: that is what makes the losses of two listeners correlated.
"""

from dataclasses import dataclass
import math
import random

from simulation.places import NEAREST, PATH_LOSS_EXPONENT, RSSI_AT_ONE_METRE

SHADOWING = 4.0  # dB, standard deviation; 3-6 dB is usual within one building
FADING_K = 4.0  # linear, 6 dB: a line of sight with reflections
SENSITIVITY = -93.0  # dBm: there one bit in a thousand is wrong (see above); data sheets state it as the end of the range
NOISE = -104.0  # dBm: thermal noise of 1 MHz (-114) and a receiver's noise figure of 10 dB
BURSTS_PER_SECOND = 100.0  # of 400 that a busy network sends, those on the advertising channel in use: about a quarter
BURST_SECONDS = 0.0005  # a Wi-Fi frame of 1,500 bytes at some 24 Mbit/s
BURST_STRENGTH = -75.0  # dBm within our 1 MHz, mean: an access point at -62 dBm spreads over 20 MHz (-13 dB)
BURST_SPREAD = 7.0  # dB between bursts: near and far stations take turns
BURST_LOCAL = 4.0  # dB by which one burst differs between two receivers
FRAME_OVERHEAD = 10  # bytes on the air besides the PDU's payload: preamble 1, access address 4, header 2, CRC 3
BYTE_SECONDS = 8e-6  # 1 Mbit/s


def airtime(payload: int) -> float:
    """Return how long a packet with a PDU payload of so many bytes lasts, in seconds (Bluetooth Core, vol. 6 B 2.1)."""
    return (FRAME_OVERHEAD + payload) * BYTE_SECONDS


def mean_power(metres: float) -> float:
    """Return the mean received power in dBm at a distance."""
    return RSSI_AT_ONE_METRE - 10 * PATH_LOSS_EXPONENT * math.log10(max(NEAREST, metres))


def bit_error_rate(sinr: float) -> float:
    """Return the share of wrong bits at a linear signal to noise and interference ratio."""
    return 0.5 * math.exp(-sinr / 2)


def linear(decibel: float) -> float:
    """Return a ratio, or milliwatts from dBm."""
    return float(10 ** (decibel / 10))


@dataclass(frozen=True, slots=True)
class Moment:
    """What is on the air beside one packet: a burst's strength in dBm, and the share of the packet that it covers."""

    strength: float = 0.0
    covered: float = 0.0


class Air:
    """The interference that all receivers of one run share; the same seed gives the same bursts."""

    def __init__(self, seed: int | str, bursts_per_second: float = BURSTS_PER_SECOND) -> None:
        self._random = random.Random(f"{seed} air")
        self._rate = bursts_per_second

    def moment(self, payload: int) -> Moment:
        """Draw what happens while one packet of `payload` bytes is on the air."""
        seconds = airtime(payload)
        hit = self._random.random() < 1 - math.exp(-self._rate * (seconds + BURST_SECONDS))
        strength = self._random.gauss(BURST_STRENGTH, BURST_SPREAD)
        covered = self._random.random() * min(1.0, BURST_SECONDS / seconds)
        return Moment(strength, covered) if hit else Moment()


class Hearing:
    """One receiver in one run.

    Args:
        seed: of this receiver; another seed is another antenna at another spot.
        metres: distance to the sender.
        gain: dB that it hears better than a phone or a Raspberry Pi does (a directional antenna: 10).
        shadowing: dB of this run's shadowing; drawn when not given.
    """

    def __init__(self, seed: int | str, metres: float, gain: float = 0.0, shadowing: float | None = None) -> None:
        self._random = random.Random(f"{seed} hearing")
        drawn = self._random.gauss(0.0, SHADOWING)
        self._offset = gain + (drawn if shadowing is None else shadowing)
        self.move(metres)

    def move(self, metres: float) -> None:
        """Stand at another distance from now on; gain, shadowing and random numbers go on."""
        self.power = mean_power(metres) + self._offset

    def lost(self, moment: Moment, payload: int) -> bool:
        """Tell whether one packet of `payload` bytes is lost here. Takes the same random numbers whatever happens."""
        signal = linear(self.power) * self._fading()
        local, luck = self._random.gauss(0.0, BURST_LOCAL), self._random.random()
        noise = linear(NOISE)
        bits = 8 * (FRAME_OVERHEAD + payload)
        clean = bit_error_rate(signal / noise)
        dirty = bit_error_rate(signal / (noise + linear(moment.strength + local))) if moment.covered else clean
        kept: float = (1 - clean) ** (bits * (1 - moment.covered)) * (1 - dirty) ** (bits * moment.covered)
        return luck >= kept

    def _fading(self) -> float:
        """Rician power gain with mean 1."""
        scatter = 1 / math.sqrt(2 * (FADING_K + 1))
        real = math.sqrt(FADING_K / (FADING_K + 1)) + self._random.gauss(0.0, scatter)
        imaginary = self._random.gauss(0.0, scatter)
        return real * real + imaginary * imaginary
