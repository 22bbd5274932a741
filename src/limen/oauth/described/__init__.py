"""The OAuth endpoints for the OpenAPI document: what they take, what they answer, with examples.

They are plain routes and no FastAPI ones, so this is written by hand; a test walks the routes
and finds whatever is missing here, or described and not there.

- ``words``: how an operation is written. ``errors``: what goes wrong, and with which code.
- ``authorization``, ``tokens``, ``about_tokens``, ``elsewhere``, ``registration``,
  ``discovery``: the endpoints.
"""
