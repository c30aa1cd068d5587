"""What the responder collects of a broadcast: candidates, conflicts, the stop rule (protocol.md 5 rules 1-3)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from . import limits, sets
from .events import PairingProgressed
from .keys import digest
from .sets import RunningSet

NOTHING: Final[Mapping[int, int]] = MappingProxyType({})
_LEAST_RATE: Final = 0.01  # of packets heard, for an estimate that stays finite


def candidate_tag(n_i: bytes, seq: int, value: bytes) -> bytes:
    """tag_i = H("SSC1 tag" || n_I || u16 i || R_i)[:2]."""
    return digest(b"SSC1 tag" + n_i + seq.to_bytes(2) + value)[: limits.TAG_SIZE]


@dataclass(frozen=True, slots=True)
class StopRule:
    """What the set has to reach (protocol.md 5 rule 3)."""

    minimum: int  # N_r
    target_bits: int
    assumed_loss: int  # percent
    n_max: int
    blacklists: bool = False  # suite paper: two different R drop the Seq
    coded_max: int | None = None  # suite paper: bytes that the coded set may have


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two or three different R for one Seq."""

    seq: int
    candidates: tuple[bytes, ...] = field(repr=False)


@dataclass(slots=True)
class _Scanner:
    heard: set[int] = field(default_factory=set)
    members: int = 0  # of S


@dataclass(slots=True)
class Collection:
    """Random packets as they come in, from every scanner; values stay in memory until the key is made."""

    rule: StopRule
    n_i: bytes
    _members: RunningSet = field(default_factory=RunningSet, repr=False)  # S
    _candidates: dict[int, list[bytes]] = field(default_factory=dict, repr=False)
    _dropped: set[int] = field(default_factory=set)
    _conflicting: set[int] = field(default_factory=set)  # dropped ones included
    _scanners: dict[str, _Scanner] = field(default_factory=dict, repr=False)
    last_seq: int = -1
    first_seq: int = limits.U16_MAX

    def add(self, scanner: str, seq: int, value: bytes) -> bool:
        """Take one packet; identical copies collapse. Returns whether the set changed."""
        known = self._candidates.get(seq)
        self._hear(scanner, seq, known)
        if known is None:
            self.first_seq, self.last_seq = min(self.first_seq, seq), max(self.last_seq, seq)
            self._candidates[seq] = [value]
            self._members.add(seq)
            return True
        if seq in self._dropped or value in known:
            return False
        self._conflict(seq, value, known)
        return True

    def _hear(self, scanner: str, seq: int, known: list[bytes] | None) -> None:
        """Remember who heard it, and how much of S each one has."""
        listener = self._scanners.get(scanner)
        if listener is None:
            listener = self._scanners[scanner] = _Scanner()
        if seq not in listener.heard:
            listener.heard.add(seq)
            listener.members += known is None or seq not in self._conflicting

    def _conflict(self, seq: int, value: bytes, known: list[bytes]) -> None:
        """A different R: the Seq leaves S, and stays a candidate or is dropped."""
        if seq not in self._conflicting:
            self._conflicting.add(seq)
            self._members.remove(seq)
            for listener in self._scanners.values():
                listener.members -= seq in listener.heard
        twin = self._tag(seq, value) in [self._tag(seq, other) for other in known]
        if self.rule.blacklists or twin or len(known) == limits.CANDIDATES_MAX:
            self._dropped.add(seq)
        else:
            known.append(value)

    def members(self) -> list[int]:
        """S: the sequence numbers with exactly one R, ascending."""
        return self._members.numbers.copy()

    def packets(self, members: Iterable[int], chosen: Mapping[int, int] = NOTHING) -> list[tuple[int, bytes]]:
        """Return (Seq, R) of each member; `chosen` names the candidate of a Seq that had a conflict."""
        return [(seq, self._candidates[seq][chosen.get(seq, 0)]) for seq in members]

    def conflicts(self) -> list[Conflict]:
        """Conflicts that RSP reports, ascending."""
        return [Conflict(seq, tuple(self._candidates[seq])) for seq in sorted(self._conflicting - self._dropped)]

    @property
    def conflict_count(self) -> int:
        """Number of Seq with more than one R, dropped ones included."""
        return len(self._conflicting)

    @property
    def scanners(self) -> int:
        """Number of scanners that heard any packet."""
        return len(self._scanners)

    def conflicts_over(self, size: int) -> bool:
        """Tell whether there are more conflicts than a set of `size` allows; a blacklist has no such limit."""
        if self.rule.blacklists:
            return False
        share = size * limits.CONFLICTS_PERCENT // 100
        cap = max(limits.CONFLICTS_MIN_CAP, min(limits.CONFLICTS_MAX, share))
        return self.conflict_count > cap

    def secrecy(self, members: list[int]) -> float:
        """Bits of a set at the assumed loss."""
        if members == self._members.numbers:  # S itself has its gaps counted
            return self._members.secrecy_bits(self.rule.assumed_loss)
        return sets.secrecy_bits(members, self.rule.assumed_loss)

    def complete(self) -> bool:
        """Tell whether all conditions of rule 3 hold for S; costs the same for any S."""
        size = len(self._members.numbers)
        if size < self.rule.minimum:
            return False
        if self._full():
            return True
        if self._members.secrecy_bits(self.rule.assumed_loss) < self.rule.target_bits:
            return False
        return not self.conflicts_over(size) and self._each_scanner_missed()

    def _full(self) -> bool:
        """Tell whether the next number might not fit the coded set any more."""
        most = self.rule.coded_max
        if most is None or len(self._members) * sets.CODED_NUMBER_MAX <= most:
            return False
        return len(sets.encode_deltas(self._members.numbers)) > most - sets.CODED_NUMBER_MAX

    def _each_scanner_missed(self) -> bool:
        """With two or more scanners, none of them alone may have (nearly) the whole set."""
        if len(self._scanners) < 2:  # one scanner: there is no union to speak of
            return True
        most = len(self._members) - limits.SCANNER_MISSES_MIN
        return all(listener.members <= most for listener in self._scanners.values())

    def progress(self, interval_ms: int, longest: float) -> PairingProgressed:
        """Return how far it is; the estimate of what is left is at most `longest` seconds."""
        size, rule = len(self._members), self.rule
        bits = self._members.secrecy_bits(rule.assumed_loss)
        fraction = min(1.0, size / rule.minimum, bits / rule.target_bits if rule.target_bits else 1.0)
        span = self.last_seq - self.first_seq + 1 if self._scanners else 0
        rate = size / span if span else 1.0
        missing = max(0.0, 1 - fraction) / max(fraction, 1 / rule.minimum) * size
        seconds = missing / max(rate, _LEAST_RATE) * (interval_ms / 1000 + limits.SLACK_PER_PACKET)
        counts = (self.conflict_count, self.scanners)
        left = min(seconds, longest)
        return PairingProgressed(size, span, 1 - rate, bits, rule.target_bits, rule.minimum, *counts, fraction, left)

    def report(self) -> bytes:
        """Return the conflicts as RSP carries them: count, then (Seq, k, k tags)."""
        rows = self.conflicts()
        parts = [
            row.seq.to_bytes(2) + bytes([len(row.candidates)]) + b"".join(self._tag(row.seq, value) for value in row.candidates)
            for row in rows
        ]
        return bytes([len(rows)]) + b"".join(parts)

    def _tag(self, seq: int, value: bytes) -> bytes:
        return candidate_tag(self.n_i, seq, value)
