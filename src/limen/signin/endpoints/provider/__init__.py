"""The faces of signing in with accounts elsewhere, beside ``provider_sign_in``.

- ``prove_page``: an account with this address exists. ``link_page``: another way in, for
  somebody signed in. ``all_routes``: everything as two literals.
- ``ticket_api``: the same for a front end of another origin. ``identities_api``,
  ``profile_api``: one's own ways in, and what providers say of one. ``pictures``: one's picture.
- ``schemas``: their JSON.
"""
