"""Checks of an installed network: hash, shapes, recorded detections."""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from boxable.detection.detections import Detections
from boxable.detection.detector import Detector
from boxable.errors import ArgumentError, BoxableError
from boxable.findings import Finding, counted
from boxable.hashing import sha256_of
from boxable.weights.cards import get_card, unknown_model
from boxable.weights.model import Model
from boxable.weights.pull import imported, imported_handles
from boxable.weights.store import compiled_installed, installed, is_whole, read_file

_PHOTO = "chelsea_31x17.png"


def check_model(name: str, image: Path | None) -> Iterator[Finding]:
    """Check hash, shapes, a run on a small image, and detections against recorded ones if there are any.

    `image` is the photograph on which the recordings of a card were made, where it may not be shipped. Raises
    UnknownModelError for an unknown model and ArgumentError for an image without recordings.
    """
    card = get_card(name)
    path = installed(card.handle) if card else imported(name)
    if card is None and path is None:
        raise unknown_model(name, imported_handles())
    recorded = _recorded(card.alias) if card else None
    if image is not None and (recorded is None or "image_sha256" not in recorded):
        raise ArgumentError(f"--image {image}: nothing was recorded for {name} on an image of yours; leave it out")
    if path is None:
        yield Finding("installed", f"no; run: boxable models pull {card.alias if card else name}", level="error")
        return
    if not is_whole(path):
        yield Finding("hash", f"{path} is damaged; install it again", level="error")
        return
    yield Finding("hash", f"sha256 {path.stem}")
    try:
        model = Model.from_bytes(read_file(path), str(path))
        yield Finding(
            "shapes",
            f"{counted(len(model.weights), 'variable|s')} fit {model.network.name}, "
            f"{counted(len(model.classes), 'class|es')}",
        )
        detector = Detector(compiled_installed(path, name))
        small = detector(resources.files("boxable.doctor").joinpath(f"recorded/{_PHOTO}").read_bytes(), min_score=0)
        # Scores that are no numbers are never detections.
        yield Finding("runs", f"{counted(len(small), 'detection|s')} on a small image", "ok" if len(small) else "error")
    except BoxableError as error:
        yield Finding("runs", str(error), level="error")
        return
    if recorded is None:
        yield Finding("recorded", "no recordings of this network", level="note")
    elif "image_sha256" not in recorded:
        yield _compared(small, recorded)
    elif image is None:
        yield Finding("recorded", f"name the image with --image to compare: {recorded['source']}", level="note")
    else:
        if sha256_of(read_file(image)) != recorded["image_sha256"]:
            yield Finding(
                "image", f"{image} is not the image of the recording, so differences mean nothing", level="note"
            )
        finding = _compared(detector(image, min_score=0), recorded)
        if finding.level == "error" and card is not None and not model.origin.startswith(card.title):
            text = f"{finding.text}; but these weights come from elsewhere ({model.origin})"
            finding = Finding(finding.subject, text, level="note")
        yield finding


def _recorded(alias: str) -> dict[str, Any] | None:
    file = resources.files("boxable.doctor").joinpath(f"recorded/{alias}.json")
    content: dict[str, Any] | None = json.loads(file.read_text("utf-8")) if file.is_file() else None
    return content


def _compared(found: Detections, recorded: dict[str, Any]) -> Finding:
    """Compare the found detections with the recorded ones."""
    missing = []
    for item in recorded["detections"]:
        near = (found.mids == item["mid"]) & (np.abs(found.scores - item["score"]) <= recorded["score_tolerance"])
        near &= (np.abs(found.boxes - np.float32(item["box"])) <= recorded["box_tolerance"]).all(axis=1)
        if not near.any():
            missing.append(f"{item['mid']} {item['score']:.4f}")
    total, tolerance = len(recorded["detections"]), recorded["score_tolerance"]
    if missing:
        return Finding(
            "recorded", f"{len(missing)} of {total} recorded detections not found: {', '.join(missing)}", "error"
        )
    return Finding("recorded", f"all {total} recorded detections found, scores within {tolerance:g}")
