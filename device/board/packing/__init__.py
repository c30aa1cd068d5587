"""Packs a MicroPython program into one module per loading unit, with short names.

A microcontroller keeps every name, every module's dictionary and every imported name in its heap, so many small modules with
speaking names cost a third of it. Packing joins the modules of a unit, puts integer constants where they are used, and
renames what the program itself defines. What runs is the same code: only names and places change.

``source`` reads modules, ``naming`` decides, ``renaming`` applies it to one module, ``units`` writes the packed modules.
"""
