"""Benchmark of detection speed, by stage, beside other libraries."""
