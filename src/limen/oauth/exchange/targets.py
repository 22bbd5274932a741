"""What others hand in to be exchanged for: the vault's third-party tokens, say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from limen.db.work import Work
from limen.oauth.exchange.case import Case
from limen.oauth.exchange.readers import SubjectTokenReader
from limen.oauth.granted import Handed
from limen.protocol.token_exchange import ACCESS_TOKEN, TokenExchangeRequest


class ExchangeTarget(Protocol):
    """Gives for a subject what is no access token of ours.

    By the time it is asked the client is authenticated, the subject token valid, its key
    proven, and the client's policy names the subject. Whether it names the target, and what
    the person agreed to, is the target's to check.
    """

    async def exchange(self, work: Work, *, case: Case) -> Handed:
        """Return what the client receives.

        Raises:
            OAuthRefusal: ``invalid_target``, ``invalid_scope``, ``invalid_request``.
        """
        ...


class ClaimingTarget(ExchangeTarget, Protocol):
    """Gives access tokens that are not ours, for targets that it knows by their names."""

    def is_for(self, request: TokenExchangeRequest, *, issuer: str) -> bool:
        """Say whether a request names something of this target's.

        Args:
            request: As it was sent.
            issuer: Ours, in this tenant.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanges:
    """What may be exchanged beyond our own, handed in by the composition root.

    Args:
        targets: By ``requested_token_type``.
        claiming: Asked, one after the other, where an access token is requested; ours is given
            if none of them knows what it is for.
        readers: Further kinds of subject and actor tokens, by their type.
    """

    targets: Mapping[str, ExchangeTarget] = field(default_factory=dict)
    claiming: Sequence[ClaimingTarget] = ()
    readers: Mapping[str, SubjectTokenReader] = field(default_factory=dict)

    def target_for(self, request: TokenExchangeRequest, *, issuer: str) -> ExchangeTarget | None:
        """Return who gives what is asked for; ``None`` if that is ours to give."""
        found = self.targets.get(request.requested_type)
        if found is not None or request.requested_type != ACCESS_TOKEN:
            return found
        return next((each for each in self.claiming if each.is_for(request, issuer=issuer)), None)


NO_EXCHANGES: Final = Exchanges()
"""For our own tokens alone."""
