"""The virtual radio world: places, a lossy link, Bluetooth controllers over TCP, Eve, and what Home Assistant needs to use them.

`python -m simulation` runs it as a process of its own, so that it outlives Home Assistant.
"""
