"""The command, but each step is followed by a checkpoint: `python -m tests.training.saving train ...`."""

from boxable.cli import main
from boxable.training import loop
from tests.training.runs import PATIENCE

if __name__ == "__main__":
    loop.CHECKPOINT_S = 0.0
    loop.PATIENCE, loop.LEAST_PATIENCE = PATIENCE
    main()
