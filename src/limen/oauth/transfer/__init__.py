"""Clients carried from one installation to another, or kept beside and brought back.

- ``import_client``: a client becomes what was written down of it.
"""
