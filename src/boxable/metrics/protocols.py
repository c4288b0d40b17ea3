"""The named ways to measure, with every switch of each."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Protocol:
    """The switches of a metric.

    `iou`: what a detection must overlap a box, or be inside a group-of box, at least. `group_of_weight`: what a
    group-of box that is found counts; None where the flag is not read. `verified_only`: detections of a class that
    nobody verified in the image are left out. `difficult`: boxes flagged so are neither missed nor found.
    `expand`: whether ground truth is expanded along the hierarchy first. `unknown_is_group_of`: whether a flag of
    -1 means group-of, as it does where the original casts to bool; None where the set decides (`for_flags`).
    `iou_to`: where IoU does not stay at `iou` but goes up to this, in steps of 0.05, and the APs are averaged.
    """

    name: str
    title: str
    iou: float
    group_of_weight: float | None
    verified_only: bool
    difficult: bool
    expand: bool
    unknown_is_group_of: bool | None = None
    iou_to: float | None = None

    @property
    def in_pixels(self) -> bool:
        """Whether matching is COCO's, in pixels (`coco_matching`), not the Object Detection API's (`matching`)."""
        return self.iou_to is not None

    def for_flags(self, group_of: NDArray[np.int8]) -> "Protocol":
        """Decide what an unknown flag means in a set with these flags: group-of if any box of the set states it."""
        if self.unknown_is_group_of is not None:
            return self
        return replace(self, unknown_is_group_of=bool((group_of >= 0).any()))

    def switches(self) -> dict[str, object]:
        """Return the switches by name, as they are printed beside the number."""
        return {
            "iou": self.iou if self.iou_to is None else [self.iou, self.iou_to],
            "group_of_weight": self.group_of_weight,
            "verified_labels_only": self.verified_only,
            "difficult_ignored": self.difficult,
            "expanded_ground_truth": self.expand,
            "unknown_group_of_flag_is_group_of": self.unknown_is_group_of,
        }


# The evaluators of the Object Detection API with their defaults: OpenImagesChallengeEvaluator,
# OpenImagesDetectionEvaluator, PascalDetectionEvaluator (SEMANTICS §10).
CHALLENGE = Protocol("challenge", "Open Images Challenge", 0.5, 1.0, True, False, True)
OPENIMAGES_V2 = Protocol("openimages-v2", "Open Images V2", 0.5, 0.0, False, False, False)
PASCAL = Protocol("pascal", "Pascal VOC 2010", 0.5, None, False, True, False)
# COCO's, as pycocotools has it; crowds are ignored regions.
COCO = Protocol("coco", "COCO", 0.5, 0.0, False, False, False, unknown_is_group_of=False, iou_to=0.95)
UnknownGroupOf = Literal["auto", "original"]
PROTOCOLS = {protocol.name: protocol for protocol in (CHALLENGE, OPENIMAGES_V2, PASCAL, COCO)}


def protocol_named(
    name: str,
    *,
    group_of_weight: float | None = None,
    expand: bool | None = None,
    unknown_group_of: UnknownGroupOf = "auto",
) -> Protocol:
    """Return the protocol of this name with some switches changed. Raises ArgumentError if there is none.

    With `unknown_group_of` "original" a box whose IsGroupOf is -1 (unknown) is always group-of; with "auto" only in a
    set in which some box states the flag. For COCO it never is: a crowd is stated.
    """
    if name not in PROTOCOLS:
        raise ArgumentError(f"protocol: expected one of {', '.join(PROTOCOLS)}, got {name!r}")
    protocol = PROTOCOLS[name]
    if unknown_group_of not in get_args(UnknownGroupOf):
        raise ArgumentError(f"unknown group-of: expected auto or original, got {unknown_group_of!r}")
    if unknown_group_of == "original" and protocol is not COCO:
        protocol = replace(protocol, unknown_is_group_of=True)
    if group_of_weight is not None:
        if protocol.group_of_weight is None:
            raise ArgumentError(f"group-of weight: expected none ({name} ignores the flag), got {group_of_weight}")
        if protocol is COCO:
            raise ArgumentError(f"group-of weight: expected none (coco always ignores crowds), got {group_of_weight}")
        if not 0 <= group_of_weight <= 1:
            raise ArgumentError(f"group-of weight: expected 0 to 1, got {group_of_weight}")
        protocol = replace(protocol, group_of_weight=group_of_weight)
    return protocol if expand is None else replace(protocol, expand=expand)
