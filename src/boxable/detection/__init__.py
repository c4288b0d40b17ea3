"""Detector and Detections: what a caller holds."""
