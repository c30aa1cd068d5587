"""python -m tests.vectors.make_sample: writes ssc1_sample.json, our own known answers for what the public file leaves out.

The device computes them; tests/protocol/test_vectors.py lets the hub compute them too. Seeded: a run changes nothing.
"""

import json
from pathlib import Path
import random
from typing import Any

from tests.vectors import device_cases
from tests.vectors.hub_cases import random_of

SAMPLE = Path(__file__).with_name("ssc1_sample.json")
BROADCAST = 64


def main() -> None:
    """Write the file."""
    rng = random.Random("ssc1 sample")
    cases = [*_sets(), *_negotiations(rng), *_messages(rng), *_resumes(rng)]
    cases.append(_case("epoch", {"root": rng.randbytes(32).hex()}))
    cases += _groups(rng)
    lines = ",\n".join(json.dumps(case) for case in cases)
    SAMPLE.write_text(f'{{"format": "ssc1-vectors-1", "cases": [\n{lines}\n]}}\n', encoding="utf-8")


def _case(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "in": given, "out": device_cases.KINDS[kind](given)}


def _sets() -> list[dict[str, Any]]:
    """A gap of 64, a tie of the encoders, a full broadcast, and the largest number."""
    examples = ([0, 64], [0, 8], list(range(2048)), list(range(0, 2048, 9)), [65535])
    return [_case("coded_set", {"numbers": numbers}) for numbers in examples]


def _negotiations(rng: random.Random) -> list[dict[str, Any]]:
    """Conflicts with two and three candidates, the true one at each place, and one that is left out; a PSK."""
    both: list[dict[str, Any]] = []
    for suite, psk in ((0x11, ""), (0x01, rng.randbytes(16).hex())):
        given = _negotiation(rng, suite, psk)
        two, first, last, none = 5, 20, 41, 50
        forged = [rng.randbytes(20).hex() for _ in range(7)]
        given["conflicts"] = {
            str(two): [forged[0], random_of(given, two).hex()],
            str(first): [random_of(given, first).hex(), forged[1], forged[2]],
            str(last): [forged[3], forged[4], random_of(given, last).hex()],
            str(none): [forged[5], forged[6]],
        }
        received = [seq for seq in range(BROADCAST) if seq % 3 or seq == 0]
        conflicts = {two, first, last, none}
        given["received"] = [seq for seq in received if seq not in conflicts]
        given["agreed"] = sorted({*given["received"], two, first, last})
        both.append(_case("negotiation", given))
    return both


def _negotiation(rng: random.Random, suite: int, psk: str) -> dict[str, Any]:
    secrets = {name: rng.randbytes(32).hex() if suite == 0x11 else "" for name in ("sk_i", "sk_r")}
    nonces = {name: rng.randbytes(16).hex() for name in ("id_i", "n_i", "id_r", "n_r", "r_i", "r_r")}
    rule = {"n_max": 512, "minimum": 20, "target_bits": 64, "assumed_loss": 20, "interval_ms": 25, "wait_s": 15}
    own = {"suite": suite, "offered": [suite], "sid": rng.randrange(256), "seed": rng.randbytes(32).hex(), "psk": psk}
    return own | nonces | secrets | rule | {"broadcast": BROADCAST}


def _messages(rng: random.Random) -> list[dict[str, Any]]:
    """An empty body at the end of the numbers, and the longest body after five retransmissions."""
    cases = []
    for epoch, seq, attempt, number, size in ((2**32 - 1, 63, 0, 2**64 - 1, 0), (1, 0, 5, 1 << 32 | 1, 975)):
        given = {"direction": attempt & 1, "epoch": epoch, "seq": seq, "attempt": attempt, "type": 3, "id": number}
        secrets = {"chain": rng.randbytes(32).hex(), "body": rng.randbytes(size).hex()}
        rands = {"rand": rng.randbytes(16).hex(), "rand_b": rng.randbytes(16).hex()}
        cases.append(_case("message", given | secrets | rands))
    return cases


def _resumes(rng: random.Random) -> list[dict[str, Any]]:
    """Suite loss with and without live chains; R holds e* and e', I the older one only."""
    cases = []
    for suite, held_i, held_r, live in ((0x01, [3], [3, 4], False), (0x01, [7], [7], True), (0x11, [2**32 - 2], [2**32 - 2], True)):
        secrets = {name: rng.randbytes(32).hex() if suite == 0x11 else "" for name in ("sk_i", "sk_r")}
        given = {"suite": suite, "held_i": held_i, "held_r": held_r}
        given |= {"stored": {str(epoch): rng.randbytes(32).hex() for epoch in sorted({*held_i, *held_r})}}
        given |= {name: rng.randbytes(16).hex() for name in ("n_r", "id_r", "n_i")}
        given |= {name: rng.randbytes(32).hex() if live else "" for name in ("chain_0", "chain_1")}
        cases.append(_case("resume", given | secrets))
    return cases


def _groups(rng: random.Random) -> list[dict[str, Any]]:
    """An empty body at the end of all numbers, and the longest one."""
    cases = []
    for gid, version, n, size in ((0xFFFF, 2**32 - 1, 2**32 - 1, 0), (258, 3, 64, 975)):
        given = {"gck": rng.randbytes(32).hex(), "gid": gid, "version": version, "n": n, "type": 1, "body": rng.randbytes(size).hex()}
        cases.append(_case("group", given))
    return cases


if __name__ == "__main__":
    main()
