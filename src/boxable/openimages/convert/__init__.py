"""Annotated images from one form into another: a file a form, each reads and writes it one image at a time."""
