"""Bytes between a device and the protocol; the only importer of Bleak, and without Home Assistant."""
