"""Second factors: what a person has besides a password, and what proves it.

- ``totp``: RFC 4226 and 6238, pure. ``qr``: what an authenticator app scans.
- ``enrol_totp``: begin, then confirm with a code. ``recovery_codes``: ten, each good once.
- ``prove``: a code is checked and spent by one statement. ``factors``: what a person has.
- ``remove``: by the person, by an administrator, and when the account is another's or gone.
- ``tables``, ``store``: secrets are sealed, recovery codes kept as keyed hashes. ``events``.

How often a code may be guessed at is the business of ``signin``, which calls this.
"""
