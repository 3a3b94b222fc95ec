"""Readers of file formats, one module each, see ``Format``."""
