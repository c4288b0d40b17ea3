"""Matching, average precision, intervals and kinds of error, for evaluation and for training."""
