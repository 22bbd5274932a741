"""One module per grant of the token endpoint: what a request may have, never who asks.

Each has one function that takes the Work, the ``Parts``, the client that the endpoint has
authenticated and the typed request, and returns ``Granted``: what is to be issued. The endpoint
issues it. Grants do not import each other.
"""
