"""What the tests of the checks share."""

from pathlib import Path

from boxable.openimages.verification import Verification
from tests.openimages.folders import CAT, DOG, box_row, copy_image_file, write_folder


def good_folder(
    folder: Path, boxes: tuple[str, ...] = (), images: tuple[str, ...] = (), labels: tuple[str, ...] = ()
) -> Path:
    """Two images that nothing is wrong with, and these rows."""
    made = write_folder(
        folder, [box_row("a"), box_row("b", DOG, flags="-1,0,1,0,0"), *boxes],
        labels=[f"a,v,{CAT},1", f"a,v,{DOG},0", *labels], images=["a,36,24,0.0", "b,36,24,", *images],
    )  # fmt: skip
    copy_image_file(made, "a")
    copy_image_file(made, "b")
    return made


def flaws(verification: Verification) -> dict[str, tuple[int, list[str]]]:
    """What is wrong: how often, and the examples."""
    return {item.text: (item.count, item.examples) for item in verification.findings if item.count}
