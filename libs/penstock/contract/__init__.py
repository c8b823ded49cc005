"""Contracts: what a stream takes, compiled once; the same for ingestion, its gateway, and producers who ask before they send."""
