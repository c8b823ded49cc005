"""The demo: 2013's flights out of New York, replayed in event-time order."""
