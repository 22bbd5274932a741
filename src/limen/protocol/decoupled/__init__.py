"""Requests that a person approves elsewhere, on another screen than the one that asks.

- ``device``: a device without a keyboard (RFC 8628). ``user_code``: what is typed for it.
- ``backchannel``: a server that knows whom it asks (OpenID Connect CIBA).
"""
