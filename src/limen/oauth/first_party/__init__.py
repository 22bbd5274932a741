"""Sign-in of our own native apps, without a browser (draft-ietf-oauth-first-party-apps).

- ``challenge``: one step of it; the same journey, throttle and factors as the pages.

The request that waits is an *interaction*, as behind the pages; ``auth_session`` is its handle,
another one after each step.
"""
