"""Token, scheme and proven keys fit together, or the request is refused."""

from __future__ import annotations

from collections.abc import Collection

from limen.kernel.errors import BearerRefusal
from limen.protocol.sender.confirmation import TokenType, token_type
from limen.tokens.look_up import ActiveToken


def check_sender(token: ActiveToken, *, scheme: TokenType, proved: Collection[str]) -> None:
    """Refuse a token that comes from somebody else than its sender.

    A token bound to a key is no bearer token: whoever stole it would hold it too. One that is
    bound to none does not come with a proof: its client would think that it were protected
    (RFC 9449 section 7.1 and 7.2).

    Args:
        token: Active.
        scheme: What it was sent with.
        proved: The keys that the request proves to come from, ``x5t#S256:…`` or ``jkt:…``, as
            ``ActiveToken.bound_to`` writes them. They do not matter to a token bound to none.

    Raises:
        BearerRefusal: ``invalid_token``, challenging for the scheme the token is made for.
    """
    wanted = token_type(token.bound_to)
    if scheme != wanted:
        raise BearerRefusal(
            "invalid_token", f"The access token is to be sent as {wanted}.", scheme=wanted
        )
    if token.bound_to and token.bound_to not in proved:
        raise BearerRefusal(
            "invalid_token", "The access token is bound to another sender.", scheme=wanted
        )
