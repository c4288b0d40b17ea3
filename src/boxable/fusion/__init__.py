"""Fusion of the predictions of several detectors."""
