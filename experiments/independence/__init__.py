"""One broadcast and two collectors: what one of them knows of the other's key (protocol.md 9)."""
