"""Signed events of providers: a grant that ended there is known to have ended here, at once.

An event ends nothing for good: the grant of exactly the account it names asks for its person,
as if the provider had refused a refresh.

- ``secrets``: what GitHub and Slack sign with. ``hmac_events``: their signatures (PURE).
- ``risc``: Google's Security Event Tokens. ``told``: whom an event is about (PURE).
- ``intake``: check, remember, end. ``events``, ``store``, ``tables``.
"""
