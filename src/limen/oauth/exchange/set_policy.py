"""Say what a client may exchange, or that it may nothing."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotFound
from limen.oauth.exchange import store
from limen.oauth.exchange.events import ExchangePolicyDropped, ExchangePolicySet
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.store.clients import find_client
from limen.protocol.client_metadata import TOKEN_EXCHANGE


async def set_exchange_policy(work: Work, *, client_id: str, policy: ExchangePolicy) -> None:
    """Set a client's policy, all of it.

    Raises:
        NotFound: ``client_not_found``.
        InvalidInput: ``exchange_policy_invalid`` for a client that does not authenticate, or
            did not register for the grant: a policy would promise what is refused.
    """
    client = await find_client(work, client_id)
    if client is None:
        raise _unknown()
    if client.is_public or not client.may_use(TOKEN_EXCHANGE):
        raise InvalidInput(
            "exchange_policy_invalid",
            "Only a client that authenticates and registered token exchange may have a policy.",
        )
    await store.put_policy(work, client_id, policy)
    await work.record(ExchangePolicySet(client_id=client_id))


async def drop_exchange_policy(work: Work, *, client_id: str) -> None:
    """Let a client exchange nothing any more; what it obtained lives its minutes.

    Raises:
        NotFound: ``exchange_policy_not_found``.
    """
    if not await store.drop_policy(work, client_id):
        raise _absent()
    await work.record(ExchangePolicyDropped(client_id=client_id))


async def get_exchange_policy(work: Work, *, client_id: str) -> ExchangePolicy:
    """Return a client's policy.

    Raises:
        NotFound: ``exchange_policy_not_found``.
    """
    policy = await store.find_policy(work, client_id)
    if policy is None:
        raise _absent()
    return policy


def _unknown() -> NotFound:
    return NotFound("client_not_found", "There is no such client.")


def _absent() -> NotFound:
    return NotFound("exchange_policy_not_found", "The client may exchange nothing.")
