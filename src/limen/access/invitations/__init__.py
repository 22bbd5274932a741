"""Invitations: an administrator asks somebody to open an account, with a role perhaps.

- ``invite``: make, list, mail again, revoke. ``accept``: by the mailed link, with a password or
  signed in. ``let_in``: by an account elsewhere with the invited address.
- ``events``, ``model``, ``store``, ``tables``, ``sweep``.

The mailed link proves the mailbox and opens one account, once. A role is given by that link alone,
and only while whoever invited may still give it.
"""
