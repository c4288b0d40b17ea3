"""Measure detections against ground truth: matching, average precision, intervals."""
