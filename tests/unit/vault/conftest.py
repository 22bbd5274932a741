"""A furnished vault for the tests of this folder."""

from tests.vaults import house, simulated, vault

__all__ = ["house", "simulated", "vault"]
