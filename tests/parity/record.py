"""Cut the recording that travels with the tests from that of the original: python -m tests.parity.record REFERENCE.

The original is TensorFlow 2.15.1 with the Object Detection API 2.8.0.post1 and ssd_mobilenet_v2_oid_v4.config. It ran
with the published weights of the 23-class network (`real23`) and with those of `formula_weights.py` (`formula601`).
The recording has, by photo: every 740th value of the network's input, heads of some anchors (in `formula601` of some
classes), and all 100 detections with their anchors.
"""

import lzma
import sys
from pathlib import Path

import numpy as np

RECORDING = Path(__file__).parent / "recording.npz"
NMS_CASES = Path(__file__).parent / "nms_cases.json.xz"
# The images of examples/, and two parts of them by rows and columns: narrow, and tiny.
PHOTOS = {
    "astronaut": ("astronaut", np.s_[:, :]),
    "chelsea": ("chelsea", np.s_[:, :]),
    "coffee": ("coffee", np.s_[:, :]),
    "astronaut_97x512": ("astronaut", np.s_[:, 180:277]),
    "chelsea_31x17": ("chelsea", np.s_[120:137, 200:231]),
}
NETWORKS = ("real23", "formula601")
FIRST_SMALL_ANCHOR = 1833  # the 84 anchors of the three coarsest levels
STEP = {"anchors": 5, "classes": 7, "input": 20}


def cut(reference: Path) -> dict[str, np.ndarray]:
    """Return the arrays of the recording by name."""
    inputs = np.load(reference / "preprocessed.npz")
    found = {f"input/{photo}": inputs[photo][:: STEP["input"]] for photo in PHOTOS}
    for network in NETWORKS:
        full, sampled, detections = (
            np.load(reference / network / f"{name}.npz") for name in ("heads_full", "heads_sampled", "detections")
        )
        rows = sampled["anchor_rows"]
        chosen = (np.arange(len(rows)) % STEP["anchors"] == 0) | (rows >= FIRST_SMALL_ANCHOR)
        columns = slice(None, None, STEP["classes"] if network == "formula601" else None)
        found[f"{network}/anchors"] = rows[chosen]
        for photo in PHOTOS:
            codes, logits = (
                full[f"{photo}/{name}"][rows] if f"{photo}/{name}" in full else sampled[f"{photo}/{name}"]
                for name in ("box_encodings", "class_logits")
            )
            found[f"{network}/{photo}/box_encodings"] = codes[chosen]
            found[f"{network}/{photo}/class_logits"] = logits[chosen][:, columns]
            for name in ("classes", "scores", "boxes", "anchor_indices"):
                found[f"{network}/{photo}/{name}"] = detections[f"{photo}/{name}"]
    return found


if __name__ == "__main__":
    source = Path(sys.argv[1])
    np.savez_compressed(RECORDING, **cut(source))  # type: ignore[arg-type]
    NMS_CASES.write_bytes(lzma.compress((source / "nms" / "nms_cases.json").read_bytes(), preset=9))
