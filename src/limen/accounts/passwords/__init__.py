"""What a password may be.

- ``rules``: the checks of a new one, and the form that is hashed.
- ``whose_sign_up``: of several with one address, the one whose password its owner knows.
- ``weak``: what attackers try first, from the words in ``common.txt``.
"""

from limen.accounts.passwords.rules import MAX_CHARACTERS, check_new_password, normalise

__all__ = ["MAX_CHARACTERS", "check_new_password", "normalise"]
