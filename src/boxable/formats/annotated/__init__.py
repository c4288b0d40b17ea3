"""Annotated images: one type, and one reader and writer for each annotation format.

To add a format, write a module beside these with `read(path) -> AnnotatedSet` and, if it is to be written, a writer,
and add an entry to `FORMATS` in `datasets/annotated_formats.py`.
"""
