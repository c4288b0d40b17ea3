"""How fast a detector is on this machine, stage by stage, beside others: what `boxable bench` does."""
