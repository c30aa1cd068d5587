"""A microcontroller on this machine: MicroPython's unix port, a flash to run code from, and a stand-in for its radio module.

The device's core and ``esp32/`` run unchanged; ``firmware/`` gives them the ``bluetooth`` module that the unix port lacks.
"""
