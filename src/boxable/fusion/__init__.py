"""Fusion of the predictions of several detectors."""

# Boxes of a class whose IoU is above this are fused.
IOU_THRESHOLD = 0.55
