"""Yeoul: point it at a media service's event logs, see abnormal customers and hot titles within seconds."""

__version__ = "0.1.0"

__all__ = ["__version__"]
