"""``/api/v1/admin/providers``: which there are, our clients there, a tenant's own.

- ``routes``: the routes. ``schemas``: what they take and show. ``read``: from a body to what a
  use case takes. ``show``: what a tenant has, without secrets. ``connections``:
  ``/api/v1/admin/connections/import``.
"""

from limen.admin.api.upstream_providers.routes import routes

__all__ = ["routes"]
