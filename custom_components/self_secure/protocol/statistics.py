"""What diagnostics count of one connection."""

from dataclasses import dataclass


@dataclass(slots=True)
class Statistics:
    """Counters since this connection object was made."""

    sent: int = 0
    delivered: int = 0
    attempts: int = 0
    received: int = 0
    duplicates: int = 0
    dropped: int = 0
    resumes: int = 0
    resume_failures: int = 0
