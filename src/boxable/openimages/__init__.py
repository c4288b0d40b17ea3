"""Open Images as data: a folder of tables and photos, what goes into it and what comes out."""
