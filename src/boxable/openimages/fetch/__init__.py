"""Fetch Open Images from its publishers: the tables, and selected images."""
