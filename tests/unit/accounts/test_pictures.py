from __future__ import annotations

import contextlib
import io
import struct
import zlib

import pytest
from PIL import Image

from limen.accounts.profile.encode import MAX_BYTES, SIDE, encode_picture
from limen.kernel.errors import InvalidInput


def drawn(
    kind: str, size: tuple[int, int] = (300, 200), *, mode: str = "RGB", **more: object
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, kind, **more)
    return out.getvalue()


def read(image: bytes) -> Image.Image:
    return Image.open(io.BytesIO(image))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_is_made_anew_square_and_small(kind: str) -> None:
    made = encode_picture(drawn(kind))
    assert (read(made).format, read(made).size) == ("WEBP", (SIDE, SIDE))
    assert len(made) < 20_000


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "I;16", "CMYK", "RGBA"])
def test_every_kind_of_pixel_comes_through(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    out = io.BytesIO()
    Image.new(mode, (40, 90)).save(out, kind)
    assert read(encode_picture(out.getvalue())).size == (SIDE, SIDE)


def test_n229_nothing_but_pixels_comes_through() -> None:
    exif = Image.Exif()
    exif[0x010E] = "canary-exif"
    made = encode_picture(drawn("JPEG", exif=exif, comment=b"canary-comment") + b"<script>canary")
    assert b"canary" not in made
    assert not read(made).getexif()


def test_a_picture_stands_the_way_its_camera_was_held() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (200, 200), "white")
    picture.paste("black", (0, 0, 200, 100))
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    turned = read(encode_picture(out.getvalue())).convert("L")
    left, right = turned.getpixel((20, 128)), turned.getpixel((236, 128))
    assert isinstance(left, int)
    assert isinstance(right, int)
    assert left > 200
    assert right < 50


def test_n229_a_picture_of_many_passes_is_not_drawn() -> None:
    """Each scan is a few bytes more, and one more pass over all pixels."""
    plain = drawn("JPEG", progressive=True)
    last = plain[plain.rindex(b"\xff\xda") : -2]
    end = plain[-2:]
    assert encode_picture(plain[:-2] + last * 3 + end)
    with pytest.raises(InvalidInput, match="picture_invalid"):
        encode_picture(plain[:-2] + last * 40 + end)


def bomb() -> bytes:
    """A PNG of some bytes that announces 60,000 by 60,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + crc

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


BROKEN = {
    "empty": b"",
    "text": b"hello",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "pdf": b"%PDF-1.7\n",
    "bomb": bomb(),
    "many pixels": drawn("PNG", (6000, 5000), mode="1"),
    "large": b"\xff\xd8\xff" + b"\0" * MAX_BYTES,
    "cut": drawn("PNG", (400, 400))[:-60],
    "cut head": drawn("GIF")[:8],
    "tiff": drawn("TIFF"),
    "bmp": drawn("BMP"),
    "ico": drawn("ICO"),
}


@pytest.mark.parametrize("given", BROKEN.values(), ids=BROKEN)
def test_n229_what_is_no_picture_is_refused(given: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        encode_picture(given)
    assert refused.value.code == "picture_invalid"


def test_n229_no_bytes_make_it_crash() -> None:
    whole = drawn("JPEG")
    for at in range(2, len(whole), 7):
        broken = bytes(whole[:at]) + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        with contextlib.suppress(InvalidInput):
            assert read(encode_picture(broken)).size == (SIDE, SIDE)


def test_n229_what_is_kept_whole_has_fewer_pixels() -> None:
    given = drawn("PNG", (2100, 2000), mode="1")
    assert encode_picture(given)
    with pytest.raises(InvalidInput, match="picture_invalid"):
        encode_picture(given, shape="whole")
