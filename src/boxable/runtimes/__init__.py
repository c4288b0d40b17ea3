"""Runtimes: give me the raw heads for this batch."""
