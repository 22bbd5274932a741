"""An older application's six tables, read as lines of an import.

- ``read``: the tables, from SQLite or PostgreSQL, without changing anything there.
- ``columns``: what their columns may be called, and which there must be.
- ``unseal``: tokens that are encrypted there.
- ``consents``: which of its consents are ours. ``lines``: rows made lines, and what is left out.
"""
