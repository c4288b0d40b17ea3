"""Open Images from where it is published: its tables, and the images that are wanted of it."""
