"""Detections as text: one file a format. Each takes records, as `Detections.to_dict` makes them."""
