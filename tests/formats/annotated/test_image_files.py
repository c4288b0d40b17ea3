"""What is known of the image files of a set."""

import io

import numpy as np
import pytest
from PIL import Image

from boxable.formats.annotated.image import AnnotatedImage
from boxable.formats.annotated.image_files import size_of
from tests.formats.annotated.sets import HEIGHT, WIDTH, picture


@pytest.mark.parametrize(("kind", "size"), [("PNG", (WIDTH, HEIGHT)), ("TGA", None), ("ICNS", None)])
def test_no_other_decoders_run_for_the_size_than_for_the_image(kind: str, size: tuple[int, int] | None) -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(picture())).save(file, kind)
    assert size_of(AnnotatedImage("a", [], np.zeros((0, 4)), file=file.getvalue())) == size
