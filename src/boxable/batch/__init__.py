"""Detect in many images: print the results, write them and the annotated images."""
