"""Who may use a token that is bound to a key, at our own endpoints and at other APIs.

- ``credentials``: the ``Authorization`` header: which scheme, which token.
- ``check_sender``: token, scheme and proven keys fit together, or the request is refused.
- ``by_proof``: a request's DPoP proof, for the token endpoint and for our own resources.
- ``admit``: all of it together, for our own resources.
"""
