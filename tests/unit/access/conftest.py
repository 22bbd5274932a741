"""A furnished tenant for the tests of this folder."""

from tests.house import house

__all__ = ["house"]
