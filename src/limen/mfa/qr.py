"""The QR code that an authenticator app scans, as SVG that stands in the page itself."""

from __future__ import annotations


def svg_of(text: str) -> str:
    """Return an ``<svg>`` element: no style, no script, nothing fetched, so no policy is bent."""
    import segno  # noqa: PLC0415 -- only who enrols pays for it

    code = segno.make(text, micro=False, error="m")
    # Without a size of its own, so that a narrow page shrinks it and does not cut it off.
    made: str = code.svg_inline(
        omitsize=True, dark="#000", light="#fff", border=4, svgclass="qr", lineclass=None
    )
    return made
