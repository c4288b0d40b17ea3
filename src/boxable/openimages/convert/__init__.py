"""Convert annotated sets: Open Images tables, merged splits, and the conversion between any two formats."""
