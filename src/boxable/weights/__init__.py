"""Weights: model cards, the cache, downloads, readers of foreign files; all of it yields a Model."""
