"""The video library: catalogue, store, service and command line."""

__version__ = "0.1.0"
