"""The harness: renders, validates and tests the INDIGO PaaS charts, and helps those who operate them."""

__version__ = "0.1.0"
