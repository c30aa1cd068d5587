"""A device that carries frames for others which a hub cannot reach (protocol.md 10); a firmware may leave this folder out.

Towards its hub it stays an ordinary device. Towards the devices that it carries for, its *wards*, it is the responder: it
connects, subscribes and collects random packets. Its keys with either side only authorise the hop. ``relay.py`` is where to
start reading.
"""
