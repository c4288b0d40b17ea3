"""Learning rates by step, from 0."""

import math


def staircase(step: int) -> float:
    """Return the learning rate of the original: 0.0008, times 0.95 every 800,720 steps (SEMANTICS §7.6)."""
    return float(0.0008 * 0.95 ** (step // 800_720))


def cosine(step: int, *, peak: float, steps: int, warmup: int) -> float:
    """Return the learning rate of `steps` steps: a linear rise to `peak` in `warmup` steps, then half a cosine to 0.

    The first step has `peak / warmup`, the last one more than 0 (SGDR without restarts, arXiv:1608.03983).
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
