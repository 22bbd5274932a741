"""Mutual TLS (RFC 8705) as an operator set it up.

- ``offer``: what there is of it, and so which ways of authenticating are on offer.
- ``authorities``: whose certificates ``tls_client_auth`` believes.
"""
