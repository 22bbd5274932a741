"""Access: who may do what.

- ``permissions``: the words, and what each role may do. ``rights``: what an actor may do.
- ``require``: the guards that routes declare: ``require``, ``signed_in``, ``fresh``, ``public``.
- ``grant_role``, ``revoke_role``: use cases. ``keep_an_owner``: a tenant keeps one.
- ``nobody_above``: whom an administrator may not lock out.
- ``invitations/``: an administrator asks somebody to open an account.
- ``speak_for``: who may hand out credentials of a machine with roles, and shape clients that
  people are not asked about.
- ``tables``, ``store``, ``events``.
"""
