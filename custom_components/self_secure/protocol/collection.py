"""What the responder collects of a broadcast: candidates, conflicts, the stop rule (protocol.md 5 rules 1-3)."""

from dataclasses import dataclass, field
from typing import Final

from . import limits, sets
from .events import PairingProgressed
from .keys import digest

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
class Collection:
    """Random packets as they come in, from every scanner; values stay in memory until the key is made."""

    rule: StopRule
    n_i: bytes
    _candidates: dict[int, list[bytes]] = field(default_factory=dict, repr=False)
    _dropped: set[int] = field(default_factory=set)
    _heard: dict[str, set[int]] = field(default_factory=dict, repr=False)
    last_seq: int = -1
    first_seq: int = limits.U16_MAX

    def add(self, scanner: str, seq: int, value: bytes) -> bool:
        """Take one packet; identical copies collapse. Returns whether the set changed."""
        self._heard.setdefault(scanner, set()).add(seq)
        self.first_seq, self.last_seq = min(self.first_seq, seq), max(self.last_seq, seq)
        known = self._candidates.setdefault(seq, [])
        if seq in self._dropped or value in known:
            return False
        if (
            (self.rule.blacklists and known)
            or len(known) == limits.CANDIDATES_MAX
            or self._tag(seq, value) in [self._tag(seq, other) for other in known]
        ):
            self._dropped.add(seq)
        else:
            known.append(value)
        return True

    def members(self) -> list[int]:
        """S: the sequence numbers with exactly one R, ascending."""
        return sorted(seq for seq, known in self._candidates.items() if len(known) == 1 and seq not in self._dropped)

    def value(self, seq: int, index: int = 0) -> bytes:
        """Return R of a member, or the candidate `index` of a conflict."""
        return self._candidates[seq][index]

    def conflicts(self) -> list[Conflict]:
        """Conflicts that RSP reports, ascending."""
        found = (Conflict(seq, tuple(known)) for seq, known in self._candidates.items() if len(known) > 1 and seq not in self._dropped)
        return sorted(found, key=lambda conflict: conflict.seq)

    @property
    def conflict_count(self) -> int:
        """Number of Seq with more than one R, dropped ones included."""
        return len(self._dropped | {seq for seq, known in self._candidates.items() if len(known) > 1})

    @property
    def scanners(self) -> int:
        """Number of scanners that heard any packet."""
        return len(self._heard)

    def conflicts_over(self, size: int) -> bool:
        """Tell whether there are more conflicts than a set of `size` allows; a blacklist has no such limit."""
        if self.rule.blacklists:
            return False
        share = size * limits.CONFLICTS_PERCENT // 100
        cap = max(limits.CONFLICTS_MIN_CAP, min(limits.CONFLICTS_MAX, share))
        return self.conflict_count > cap

    def secrecy(self, members: list[int]) -> float:
        """Bits at the assumed loss."""
        return sets.secrecy_bits(members, self.rule.assumed_loss)

    def complete(self, members: list[int]) -> bool:
        """Tell whether all conditions of rule 3 hold for `members`."""
        if len(members) < self.rule.minimum:
            return False
        if self.full(members):
            return True
        if self.secrecy(members) < self.rule.target_bits:
            return False
        return not self.conflicts_over(len(members)) and self.each_scanner_missed(members)

    def full(self, members: list[int]) -> bool:
        """Tell whether the next number might not fit the coded set any more."""
        most = self.rule.coded_max
        return most is not None and len(sets.encode_deltas(members)) > most - sets.CODED_NUMBER_MAX

    def each_scanner_missed(self, members: list[int]) -> bool:
        """With two or more scanners, none of them alone may have (nearly) the whole set."""
        if len(self._heard) < 2:  # one scanner: there is no union to speak of
            return True
        return all(sum(seq not in heard for seq in members) >= limits.SCANNER_MISSES_MIN for heard in self._heard.values())

    def progress(self, interval_ms: int, longest: float) -> PairingProgressed:
        """Return how far it is; the estimate of what is left is at most `longest` seconds."""
        members, rule = self.members(), self.rule
        bits = self.secrecy(members)
        fraction = min(1.0, len(members) / rule.minimum, bits / rule.target_bits if rule.target_bits else 1.0)
        span = self.last_seq - self.first_seq + 1 if self._heard else 0
        rate = len(members) / span if span else 1.0
        missing = max(0.0, 1 - fraction) / max(fraction, 1 / rule.minimum) * len(members)
        seconds = missing / max(rate, _LEAST_RATE) * (interval_ms / 1000 + limits.SLACK_PER_PACKET)
        counts = (self.conflict_count, self.scanners)
        left = min(seconds, longest)
        return PairingProgressed(len(members), span, 1 - rate, bits, rule.target_bits, rule.minimum, *counts, fraction, left)

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
