"""The fault campaign: real processes under load, one fault after another, and a judgement after each."""
