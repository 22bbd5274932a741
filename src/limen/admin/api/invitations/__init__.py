"""``/api/v1/admin/invitations``: ``routes``, and what they take and say: ``schemas``."""
