"""The device reads RSP with no error but its own, and then all numbers rise below N_max and conflicts have two or three tags."""

from self_secure_device.errors import FrameError
from self_secure_device.messages import Response

from .check import require

N_MAX = 256
TAGS = (2, 3)


def run(data: bytes) -> None:
    """Read `data` as the Message of RSP."""
    try:
        response = Response(data, N_MAX)
    except FrameError:
        return
    reported = [seq for seq, _ in response.conflicts]
    require(all(seq < N_MAX for seq in [*response.numbers, *reported]), "beyond the broadcast")
    require(reported == sorted(set(reported)), "conflicts do not rise")
    require(not set(reported) & set(response.numbers), "a conflict within S")
    require(all(len(set(tags)) in TAGS for _, tags in response.conflicts), "tags of a conflict")
