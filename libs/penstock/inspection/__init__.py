"""Reads a running platform without stopping it, and says which invariants of design §13 hold. Begin with platform.py."""
