"""How accounts end, for a while or for good.

- ``disable_user``: keep somebody out, and let them in again. ``close_account``: for good.
- ``end_all``: every session and token of everybody, after a backup was put back.
"""
