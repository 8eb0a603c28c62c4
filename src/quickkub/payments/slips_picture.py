"""QR codes in a picture that somebody sent: bounded before it is decoded, and nothing but texts comes out.

What a picture shows besides its QR is never looked at: an edited slip keeps its genuine QR (promptpay pack
6.3).
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

import zxingcpp
from PIL import Image

from quickkub.kernel.errors import Kind, Refusal

BYTES_MAX: Final = 3 * 1024 * 1024

PIXELS_MAX: Final = {"PNG": 12_000_000, "JPEG": 50_000_000}
"""A PNG is unpacked whole, four bytes a pixel; a JPEG is scaled down while it is decoded."""

JPEG_SIDE: Final = 2_400
"""A JPEG is decoded in about this size: plenty for a QR, and little memory for a photograph."""

# We set limits of our own below, by format; Pillow's would be a warning in the middle of a request.
Image.MAX_IMAGE_PIXELS = None


class PictureUnreadable(Refusal):
    """A picture is not a PNG or JPEG that can be decoded."""

    code, kind = "picture_unreadable", Kind.INVALID


class PictureTooLarge(Refusal):
    """A picture has too many bytes or pixels."""

    code, kind = "picture_too_large", Kind.INVALID


def qr_texts(picture: bytes) -> list[str]:
    """The texts of all QR codes in the picture. Blocks for tens of milliseconds.

    Raises PictureTooLarge, PictureUnreadable.
    """
    if len(picture) > BYTES_MAX:
        raise PictureTooLarge(f"the picture has more than {BYTES_MAX} bytes", param="image")
    try:
        with Image.open(BytesIO(picture), formats=tuple(PIXELS_MAX)) as image:
            width, height = image.size
            if width * height > PIXELS_MAX[str(image.format)]:
                raise PictureTooLarge(f"the picture has {width} by {height} pixels", param="image")
            image.draft("L", (JPEG_SIDE, JPEG_SIDE))
            grey = _flat(image)
    except (OSError, ValueError, SyntaxError, EOFError) as trouble:
        raise PictureUnreadable(
            "the picture is no PNG or JPEG that can be decoded", param="image"
        ) from trouble
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return [one.text for one in found if one.valid]


def _flat(image: Image.Image) -> Image.Image:
    """In shades of grey; where it is transparent, white, as a page would show it."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layers = image.convert("RGBA")
        page = Image.new("RGBA", layers.size, "white")
        return Image.alpha_composite(page, layers).convert("L")
    return image.convert("L")
