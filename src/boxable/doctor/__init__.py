"""Check an installation and an installed model."""
