"""What packet loss is worth: bits that a listener lacks of an agreed set, by what she missed (protocol.md 11).

python -m experiments.secrecy --packets 200
"""

import argparse
import math

LOSSES = (50, 30, 20, 10, 5, 2, 1)  # percent
SNIFFERS = (1, 2, 3)


def secrecy_bits(packets: int, missed: float) -> float:
    """Return -log2 of the probability that a listener who misses each packet with probability `missed` missed none."""
    return packets * -math.log2(1 - missed)


def all_heard(packets: int, missed: float) -> float:
    """Return the probability that such a listener has the whole set."""
    return (1 - missed) ** packets


def needed(bits: float, missed: float) -> int:
    """Return how many packets give at least `bits`."""
    return math.ceil(bits / -math.log2(1 - missed))


def rows(packets: int) -> list[str]:
    """Return a Markdown table: one, two and three sniffers with independent losses, who put together what they heard."""
    head = [
        "| Each sniffer misses | "
        + " | ".join(f"{number} sniffer{'s' * (number > 1)}" for number in SNIFFERS)
        + " | Packets for 64 bits, 1 sniffer |"
    ]
    head.append("|---" * (len(SNIFFERS) + 2) + "|")
    body = []
    for percent in LOSSES:
        bits = " | ".join(f"{secrecy_bits(packets, (percent / 100) ** number):.1f} bits" for number in SNIFFERS)
        body.append(f"| {percent} % | {bits} | {needed(64, percent / 100):,} |")
    return head + body


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=200, help="|S'|, the agreed set")
    print("\n".join(rows(parser.parse_args().packets)))


if __name__ == "__main__":
    main()
