"""`secrecy`: what the paper never measured."""

from ..evaluation.report import Report, Setting
from ..theft import lockout, stories
from . import places, sweep, whole

KIND = "simulation, virtual time"


def run(setting: Setting) -> Report:
    """Losses, bursts, places, whole negotiations, thieves."""
    report = Report("secrecy", setting, KIND)
    for part in (sweep, places, whole, stories, lockout):
        part.run(report)
    return report
