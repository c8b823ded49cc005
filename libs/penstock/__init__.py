"""Penstock: models that learn from every event, and can prove what they learned."""

__version__ = "0.1.0.dev0"
