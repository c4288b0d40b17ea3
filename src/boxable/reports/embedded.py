"""What an HTML file without other files embeds: hashes for its content security policy, and images."""

import base64
import hashlib
import io

from PIL import Image


def csp_hash(text: str) -> str:
    """Hash a style or script as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def png_url(data: bytes) -> str:
    """Format a PNG as a data URL."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def jpeg_url(image: Image.Image, quality: int) -> str:
    """Encode an image as a data URL of a JPEG."""
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()
