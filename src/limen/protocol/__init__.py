"""The rules of OAuth 2.1 and OpenID Connect, pure: no I/O, no clock, no framework.

Used as server (``oauth/``) and as client (``federation/``, ``vault/``). Parsers turn what was
sent into a frozen dataclass or raise a typed refusal, and nothing else, whatever is sent.

- Reading requests: ``params`` (the one decoder) → ``client_authentication``,
  ``authorization_request``, ``token_request``, ``introspection``, ``logout_request``.
- Single rules: ``scopes``, ``pkce``, ``redirect_uri``, ``resource_indicator``, ``prompt``,
  ``claims``.
- Registration: ``client_metadata`` over ``metadata_members``; ``client_document``.
- Answers: ``responses``, ``introspection``, ``metadata`` (discovery).
- Signatures: ``jwt``, ``jwk``.
"""
