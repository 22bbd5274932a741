"""The tenant's terms: which version a person accepted, and when.

- ``accept``: ``has_accepted``, ``accept_terms``. ``store``: the rows, kept for every version.
"""
