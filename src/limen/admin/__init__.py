"""Administration over JSON: ``/api/v1/admin``, through the use cases of the command line.

- ``parts``: what it is built from. ``routes``: all of it, in one list literal.
- ``api``: one module per noun. ``schemas``: what they take and say.
- ``idempotency`` (with ``tables``, ``store``, ``sweep``): the same request again gets the same
  answer, and happens once.
- ``batch``: many operations in one request. ``manage_clients``, ``client_lines``: what is done to
  a client, alone, among many, or from a line of NDJSON.
- ``paging``: cursors of lists that have none of their own.

Every route names its permission; secrets are shown once, when they are made, and never listed.
"""
