"""Silo: Azure's container stack on one's own Linux machines."""

__version__ = "0.1.0"
