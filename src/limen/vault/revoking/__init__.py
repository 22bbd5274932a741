"""Ending tokens at their provider.

- ``blast_radius``: what else would end with them. ``at_provider``: asking it, until it is clear.
"""
