"""Type aliases for arrays; values, shapes and ranges are in the docstrings where they are used."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.intp]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]
Pixels = NDArray[np.uint8] | NDArray[np.float32]
