"""Make a picture anew of bytes nobody vouches for: pixels alone come through.

What goes out is our own encoding of the decoded pixels, so that no metadata, no second file
behind the image and no script in it reaches anybody. SVG is a document and no picture: refused
with everything else that is none of four raster formats.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from typing import Final, Literal

from limen.kernel.errors import InvalidInput

MAX_BYTES: Final = 2 * 1024 * 1024
"""Of a picture as given."""

SIDE: Final = 256
"""Of a picture as kept, in pixels."""

Shape = Literal["square", "whole"]
"""Cut to a square from its middle, or all of it, its longer side no longer than ``SIDE``."""

MEDIA_TYPE: Final = "image/webp"
_MAX_PIXELS: Final[Mapping[Shape, int]] = {"square": 24_000_000, "whole": 4_000_000}
"""A photograph has some tens of millions, which take as many bytes eight times over for a moment;
a logo is what anybody may have us look at."""
_JPEG: Final = b"\xff\xd8"
_SCAN: Final = b"\xff\xda"
_MAX_SCANS: Final = 32
"""A progressive JPEG has ten. Each is some bytes in the file and a pass over every pixel here, so
that two megabytes of them take a quarter of an hour."""
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
_ENOUGH: Final = 4 * SIDE
_QUALITY: Final = 82


def encode_picture(given: bytes, *, shape: Shape = "square") -> bytes:
    """Return a picture as a WebP of at most 256 pixels a side.

    Runs for some tens of milliseconds: in a thread, and in no transaction.

    Args:
        given: JPEG, PNG, WebP or GIF (its first frame), of 24 million pixels at
            most, or 4 million to be kept whole.
        shape: What of it is kept.

    Raises:
        InvalidInput: ``picture_invalid``: no such picture, broken, or larger than it says.
    """
    # Pillow is some megabytes, for those who handle pictures.
    from PIL import Image, ImageOps  # noqa: PLC0415 -- as above

    if not 0 < len(given) <= MAX_BYTES:
        raise refused("it is too large")
    if given.startswith(_JPEG) and given.count(_SCAN) > _MAX_SCANS:
        raise refused("it can't be read")
    try:
        with Image.open(io.BytesIO(given), formats=_FORMATS) as opened:
            # A small file may announce a wall of pixels (decompression bomb): opening reads the
            # header alone, and nothing is decoded beyond the bound.
            if opened.width * opened.height > _MAX_PIXELS[shape]:
                raise refused("it has too many pixels")
            opened.thumbnail((_ENOUGH, _ENOUGH))
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
            small = upright if shape == "whole" else ImageOps.fit(upright, (SIDE, SIDE))
            small.thumbnail((SIDE, SIDE))  # a square is so already
            bare = Image.frombytes("RGBA", small.size, small.tobytes())
            return _written(bare.save)
    except InvalidInput:
        raise
    except (
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        ArithmeticError,
        LookupError,
        MemoryError,
        OSError,
        SyntaxError,
        TypeError,
        ValueError,
        struct.error,
    ):
        # What Pillow's readers raise of broken files has no common ancestor.
        raise refused("it can't be read") from None


def _written(save: Callable[..., None]) -> bytes:
    out = io.BytesIO()
    save(out, "WEBP", quality=_QUALITY, method=4)
    return out.getvalue()


def refused(why: str) -> InvalidInput:
    """Refuse a picture."""
    text = f"This picture can't be used: {why}. Give a JPEG, PNG, WebP or GIF of at most 2 MB."
    return InvalidInput("picture_invalid", text, field="picture")
