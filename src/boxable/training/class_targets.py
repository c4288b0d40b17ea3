"""Classification targets and weights for images annotated in part, and for classes with a hierarchy."""

import torch
from torch import Tensor

from boxable.training.targets import BatchTargets
from boxable.vocabulary import ClassList
from boxable.vocabulary.hierarchy import open_images_hierarchy


def ancestor_matrix(classes: ClassList) -> Tensor:
    """Tell which classes are ancestors of which in the Open Images hierarchy: bool `[C, C]`.

    `[i, j]`: class j is an ancestor of class i. Classes that are not in Open Images have none.
    """
    hierarchy = open_images_hierarchy()
    ancestors = [set(hierarchy.ancestors(item.mid)) for item in classes]
    rows = [[other.mid in own for other in classes] for own in ancestors]
    return torch.tensor(rows, dtype=torch.bool).reshape(len(classes), len(classes))


def class_targets(targets: BatchTargets, ancestors: Tensor) -> tuple[Tensor, Tensor]:
    """Make labels bool and weights float32 of the classes, without the background: each `[B, A, C]`.

    `ancestors` bool `[C, C]`, as in `ancestor_matrix`. An anchor with a box is positive for its class and the ancestors
    of that, with the weight of the box; it may be of any descendant, so these have weight 0. All else is negative, with
    weight 0 for classes that are not verified in the image, and for ignored anchors.
    """
    columns, matched = targets.of_anchors(targets.columns), targets.matched[..., None]
    own = torch.eye(len(ancestors), dtype=torch.bool, device=ancestors.device)
    labels = (ancestors | own)[columns] & matched
    descendants = ancestors.T[columns] & matched
    weights = (targets.verified[:, None] & ~descendants) | labels
    return labels, weights * targets.anchor_weights[..., None]
