"""Prove at start that the key-encryption keys are the ones this database was sealed with."""

from __future__ import annotations

import secrets
from typing import Final

from limen.crypto import store
from limen.crypto.kms import WrappingKeys, WrongWrappingKey
from limen.db.work import Work, Works
from limen.kernel.errors import ConfigurationError
from limen.kernel.secret import Secret
from limen.kernel.site import ALL_TENANTS

_CONTEXT: Final = b"limen canary"


async def check_seal(works: Works, keys: WrappingKeys) -> None:
    """Open the canary, or leave one on a database that has never been sealed.

    Better not to start than to answer every user with an error, or to go on sealing under a
    key that nothing else was sealed with (N278).

    Raises:
        ConfigurationError: If the key is another, or an earlier one is still needed.
    """

    async def body(work: Work) -> None:
        missing = await store.wrapped_by(work) - keys.ids
        if missing:
            raise ConfigurationError(
                "The sealing key is not the one this database was sealed with: it needs key "
                f"{', '.join(sorted(missing))}, and was given {', '.join(sorted(keys.ids))}. Put "
                "the earlier key after the new one, separated by a comma, until `limen keys "
                "rewrap` is done."
            )
        await _check_canary(work, keys)

    await works.run(ALL_TENANTS, body)


async def _check_canary(work: Work, keys: WrappingKeys) -> None:
    current = keys.current
    canary = await store.find_canary(work, current.id)
    if canary is None:
        sung = Secret(secrets.token_bytes(16))
        await store.add_canary(work, current.id, await current.wrap(sung, context=_CONTEXT))
        return
    try:
        await current.unwrap(canary, context=_CONTEXT)
    except WrongWrappingKey:
        raise ConfigurationError(
            f"The sealing key {current.id} does not open this database's canary: the key or the "
            "database is damaged."
        ) from None
