"""Type aliases for arrays; values, shapes and ranges are in the docstrings where they are used."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.intp]
Pixels = NDArray[np.uint8] | NDArray[np.float32]
