"""Keys at rest and in use: what is sealed, by what, and who signs.

- ``kms``: the key-encryption keys, from a value or a file; nothing else ever sees them.
- ``envelope``: seal and open with per-tenant data keys that those wrap; ``sealed_text`` is the
  ciphertext's form. ``check_seal`` proves the keys at start, ``rewrap`` moves to a new one.
- ``keyring``: the signing keys of each tenant, next, active and retiring; ``rotate_keys`` moves
  them on.
- ``passwords``: Argon2id in a bounded pool of threads.
"""
