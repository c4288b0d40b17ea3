"""Detector and Detections: what a caller holds."""

# Lowest score of a detection, unless a call says otherwise; the contract of the original (`as_dict=True`) has none.
DEFAULT_MIN_SCORE = 0.3
