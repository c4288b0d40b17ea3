"""Annotated images: one type, and one reader and writer for each annotation format.

To add a format, write a module beside these with `read(path) -> AnnotatedSet` and `write(set, ...)`, and name it in
`openimages/convert/convert_set.py`, which knows how a format is recognized.
"""
