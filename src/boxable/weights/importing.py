"""Make a Model of a published file: recognize its network, find its classes."""

import logging
from pathlib import Path

import numpy as np

from boxable.errors import ArgumentError, WeightsError
from boxable.findings import counted
from boxable.networks.architectures import ARCHITECTURES
from boxable.vocabulary import ClassList, open_images, open_images_subset
from boxable.weights.cards import FALLBACK_HANDLE, find_card
from boxable.weights.foreign import Foreign, read_foreign
from boxable.weights.labels import Labels, classes_in_strings, parse_labels, read_labels
from boxable.weights.model import Model
from boxable.weights.select_classes import keep_columns
from boxable.weights.variables import detector_weights

logger = logging.getLogger("boxable")


def read_model(path: Path, handle: str, labels: Path | None = None, classes: ClassList | None = None) -> Model:
    """Read the network in a file, folder, archive or checkpoint prefix as a model with this handle.

    The classes are `classes`, if given, else those of the label file `labels` (.pbtxt, TSV with id, MID, name, or
    one name a line), else those in the archive, else those of a known release with as many, which the log then
    says. Raises WeightsError for what cannot be read or does not fit, ArgumentError for labels that do not fit.
    """
    found = read_foreign(path)
    network, weights = detector_weights(found.variables, str(path))
    if classes is None:
        given = _labels(found, network.num_classes, labels, str(path))
        classes = given.classes
        if len(given.columns) < network.num_classes:
            if network.classes_compete:
                raise ArgumentError(
                    f"{labels or path}: labels for {len(given.columns)} of the {network.num_classes} columns of "
                    f"{network.name}; expected one for each, since each score depends on all columns"
                )
            logger.info(
                "%d of the %d columns of the network have no class in the labels; they are never found",
                network.num_classes - len(given.columns), network.num_classes,
            )  # fmt: skip
            weights = keep_columns(network, weights, np.array(given.columns, np.intp))
            network = ARCHITECTURES[network.name](len(classes))
    usual = network.head.score_threshold
    threshold = usual if found.score_threshold is None else found.score_threshold
    if not 0 <= threshold <= 1:  # nor NaN
        raise WeightsError(f"{path}: its score threshold: expected 0 to 1, got {threshold}")
    if threshold > usual * 1.01:
        logger.info(
            "%s: its own score threshold is %g; scores at or below it are never detections", path.name, threshold
        )
    return Model(network, weights, classes, handle, threshold, f"{found.kind} {path.name}")


def _labels(found: Foreign, count: int, labels: Path | None, name: str) -> Labels:
    if labels is not None:
        given = read_labels(labels)
        if given.count != count:
            what = counted(len(given.columns), "class|es")
            if given.count != len(given.columns):
                what += f", the last with the id {given.count},"
            raise ArgumentError(f"{labels}: {what} for a network of {count}; expected one for each")
        return given
    beside = None if found.classes else _in_label_files(found, count)
    if beside is not None:
        return beside
    classes = found.classes or classes_in_strings(found.strings, count, name) or _known(count, name)
    return Labels(classes, list(range(len(classes))))


def _known(count: int, name: str) -> ClassList:
    """Return the classes of a known release with as many."""
    known = _known_lists().get(count)
    if known is None:
        raise WeightsError(
            f"{name}: no names for its {counted(count, 'class|es')}, and no known release has as many; name them with "
            "--labels FILE (.pbtxt, TSV with id, MID, name, or one name a line)"
        )
    title, classes = known
    logger.info("the file does not name its %s; taking those of %s", counted(count, "class|es"), title)
    return classes


def _in_label_files(found: Foreign, count: int) -> Labels | None:
    """Return the classes of the first label file beside the network that has as many."""
    for name, text in found.label_texts:
        try:
            labels = parse_labels(text, name)
        except ArgumentError:
            continue
        if labels.count == count:
            logger.info("taking the %s in %s", counted(len(labels.columns), "class|es"), name)
            return labels
    return None


def _known_lists() -> dict[int, tuple[str, ClassList]]:
    """Return the title and classes of each release by its number of classes."""
    fallback = find_card(FALLBACK_HANDLE)
    releases = {
        "Open Images V4": open_images(),
        "Open Images V2": open_images_subset("open_images_v2"),
        "the Open Images Challenge 2018": open_images_subset("challenge_2018"),
        fallback.alias: fallback.classes,
    }
    return {len(classes): (title, classes) for title, classes in releases.items()}
