"""The worlds of the demo: who is in each, how ``--auto`` walks through it, and what a person may try there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .. import steps
from ..cast import MANY, RELAY, THREE, Cast
from . import many, relay

if TYPE_CHECKING:
    from ..folder import Folder
    from ..processes import Processes
    from ..radio import Air, Fleet
    from ..terminal import Report


class Walk(Protocol):
    """Walks all steps of a world; StepFailedError at the first that fails."""

    async def __call__(self, air: Air, fleet: Fleet, folder: Folder, processes: Processes, report: Report) -> None:
        """Start the world's programs and walk."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One world; ``interval`` is the seconds between two readings of a device under ``--auto``, ``hint`` may name ``{method}``."""

    cast: Cast
    walk: Walk
    interval: float
    summary: str
    hint: str


SCENES = {
    "three": Scene(
        THREE,
        steps.run,
        steps.INTERVAL,
        "three devices (default)",
        """
1. Sign in, open Settings → Devices & services: three devices are discovered by Bluetooth.
2. Choose Add on one of them{method} and submit. The device broadcasts random packets; Home Assistant shows what arrives.
3. Compare the six digits with what the device prints here, and answer.

Type here, as if you stood in front of a device:
  thermometer status          display say hello        door open | close | press
  display pair                (its button: pair anew)  door reset  (factory reset)
Send a message to the display: Settings → Tools → Actions → self_secure.send_message.
""",
    ),
    "many": Scene(
        MANY,
        many.run,
        many.INTERVAL,
        "eight devices paired at once, and one that belongs to two Home Assistants",
        """
1. Sign in, open Settings → Devices & services → Add integration → Self-Secure, and choose several{method}.
2. They broadcast at the same time. Then compare one code after the other with what the devices print here.
3. The shared display is heard in both homes: pair it with the second Home Assistant, too. It needs no second button.

Type here, as if you stood in front of a device:
  kitchen status              shared hubs              shared say hello
""",
    ),
    "relay": Scene(
        RELAY,
        relay.run,
        relay.INTERVAL,
        "a device out of reach, carried by one relay and then by another",
        """
1. Sign in, open Settings → Devices & services: two devices are discovered by Bluetooth, the front door and the hall display. Both are
   relays. Pair them{method}.
2. They tell of a third one, the garden display, which Home Assistant cannot hear. Add it: the pairing goes through a relay.
3. Send it a message: Settings → Tools → Actions → self_secure.send_message. Its device page shows which relay it is connected via.
4. Type “door quit” or “lamp quit”, whichever that is, and send another message: the other relay takes over.

Type here, as if you stood in front of a device:
  door relay                  (whom it hears)          garden say hello
  lamp relay                                           garden pair  (its button)
""",
    ),
}
