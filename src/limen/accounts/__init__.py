"""Accounts: who people are, what names them, and what they know.

- ``sign_up``, ``verify_email``, ``recover``, ``change_password``, ``change_profile``,
  ``close_account``: a person's own journeys. ``check_password``: a sign-in's first factor.
- ``create_user``, ``create_from_provider``, ``disable_user``: what others do for or to them.
- ``passwords/``: what a password may be. ``links/``: links and codes that prove a mailbox.
  ``profile/``: where each field of a profile is from, and pictures.
- ``email_address``: one canonical form. ``claims``: OpenID Connect standard claims by scope.
- ``directory``: reading people. ``user``: the dataclass. ``events``: what happens to accounts.
- ``tables``, ``store``: where it is kept.

No answer and no delay tells which addresses exist: who has the mailbox reads it there.
"""
