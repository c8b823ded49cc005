"""Hostile input for a running ingestion: what is sent, what must become of it, and who compares."""
