"""Training: fine-tuning on annotated images, and the original recipe. Needs `boxable[train]`."""
