"""Everything that somebody has for somebody, ended at once, whatever grant it comes of.

- ``revoke_all``: tokens, and what was granted and not fetched yet.
"""
