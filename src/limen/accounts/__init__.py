"""Accounts: who people are, what names them, and what they know.

- ``sign_up``, ``verify_email``, ``recover``, ``change_password``, ``change_email``,
  ``change_profile``: a person's own journeys; some take a ``recent`` sign-in.
  ``check_password``: a sign-in's first factor.
- ``create_user``, ``create_from_provider``: what others do for them. ``ending/``: how accounts end.
- ``passwords/``: what a password may be. ``links/``: links and codes that prove a mailbox.
  ``profile/``: where each field of a profile is from, and pictures.
- ``email_address``: one canonical form. ``claims``: OpenID Connect standard claims by scope.
- ``directory``: reading people. ``user``: the dataclass. ``events``: what happens to accounts.
- ``tables``, ``store``: where it is kept.

No answer and no delay tells which addresses exist: who has the mailbox reads it there.
"""
