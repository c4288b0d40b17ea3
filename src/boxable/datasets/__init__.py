"""Sets of annotated images: the data folder and its index, access to (image, targets), the sampling order."""
