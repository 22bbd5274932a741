"""Open tokens that an older application encrypted: Fernet, under ``OAUTH_ENCRYPTION_KEY``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_MARK: Final = "gAAAA"
"""How every Fernet token begins: version 128, and a date of this epoch."""


class Unsealer:
    """Opens what is sealed, and lets pass what is not.

    Args:
        raw_keys: One or several, parted by commas; none if nothing is encrypted there.

    Raises:
        InvalidInput: ``older_key``: one of them is no Fernet key.
    """

    def __init__(self, raw_keys: Secret[str] | None) -> None:
        self._keys: MultiFernet | None = None
        if raw_keys is None:
            return
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 -- when it is needed

        try:
            self._keys = MultiFernet(
                [Fernet(each.strip()) for each in raw_keys.reveal().split(",") if each.strip()]
            )
        except ValueError:
            text = "The older application's key is not 32 bytes in base64."
            raise InvalidInput("older_key", text) from None

    def open(self, stored: str) -> str:
        """Return a token in clear.

        Raises:
            InvalidInput: ``token_unreadable``: it is encrypted, and not under this key.
        """
        if not stored.startswith(_MARK):
            return stored
        if self._keys is None:
            text = "The token is encrypted: say where the older application's key is."
            raise InvalidInput("token_unreadable", text)
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 -- as above

        try:
            return self._keys.decrypt(stored.encode()).decode()
        except (InvalidToken, UnicodeError):
            text = "The token is encrypted under another key than the one given."
            raise InvalidInput("token_unreadable", text) from None
