"""The device on a microcontroller: its core on the firmware's own ``bluetooth`` module (MicroPython 1.23 or later).

``main.py`` is what a user edits; ``program.py`` runs everything; ``radio.py`` is the only one that touches the radio.
"""
