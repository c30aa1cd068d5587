"""What can go wrong with what a peer sends, and with what a program asks for.

DropError            the frame is dropped and counted under ``reason``; nothing changes
  FrameError         malformed
    SetError         a coded set not written in the one allowed way
  StateError         not in the legality table for the present state
  TagError           a MAC that does not verify
  CryptoError        a value that no correct peer sends
DeviceError          the program asked for something that cannot be done now
  StorageError       a snapshot could not be read or written
"""


class DropError(Exception):
    """Drop the frame, count it under ``reason``, change nothing."""

    reason = "dropped"


class FrameError(DropError):
    """A malformed frame, message or set."""

    reason = "malformed"


class SetError(FrameError):
    """A coded set that is malformed or not written in the one allowed way."""


class StateError(DropError):
    """A frame that the present state does not allow."""

    reason = "out of state"


class TagError(DropError):
    """A MAC that does not verify under any key held."""

    reason = "wrong MAC"


class CryptoError(DropError):
    """A value that no correct peer can have sent, such as a point of small order."""

    reason = "bad key"


class DeviceError(Exception):
    """The program asked for something that cannot be done now."""


class StorageError(DeviceError):
    """A snapshot could not be read or written."""
