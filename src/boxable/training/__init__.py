"""Training: fine-tuning on annotated images, and the original recipe. Needs `boxable[train]`."""

from boxable.errors import MissingExtraError


def import_torch() -> None:
    """Import torch. Raises MissingExtraError where `boxable[train]` is not installed."""
    try:
        import tensorboard  # noqa: F401
        import torch  # noqa: F401
        import torchvision  # noqa: F401
    except ImportError:
        raise MissingExtraError("training", "boxable[train]") from None
