"""The dead letters of a platform: what was refused and why, which of it waits, and how it is sent again so that it counts once."""
