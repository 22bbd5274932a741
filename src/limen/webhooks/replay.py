"""What was sent, and sending it again."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.errors import Conflict, NotFound
from limen.webhooks import store
from limen.webhooks.events import MessageReplayed
from limen.webhooks.manage import get_endpoint
from limen.webhooks.model import TEST, Message, MessageDelivery, Notice
from limen.webhooks.publish import queue_attempt, write_message


async def list_deliveries(
    work: Work, *, endpoint_id: str, before: str, limit: int
) -> list[MessageDelivery]:
    """Return what became of an endpoint's messages, newest first.

    Raises:
        NotFound: ``webhook_not_found``.
    """
    await get_endpoint(work, endpoint_id=endpoint_id)
    return await store.list_deliveries(work, endpoint_id=endpoint_id, before=before, most=limit)


async def send_test(work: Work, *, endpoint_id: str) -> Message:
    """Send a message of type ``webhook.test`` to one endpoint, whatever it subscribed to.

    Raises:
        NotFound: ``webhook_not_found``.
        Conflict: ``webhook_disabled``.
    """
    await _check_enabled(work, endpoint_id)
    notice = Notice(kind=TEST, data={"endpoint_id": endpoint_id})
    message = await write_message(work, notice)
    await store.add_deliveries(work, message.id, [endpoint_id])
    await queue_attempt(work, endpoint_id=endpoint_id, message_id=message.id)
    return message


async def replay(work: Work, *, endpoint_id: str, message_id: str) -> None:
    """Send a message again, under its id: to an endpoint that had it, or missed it.

    Raises:
        NotFound: ``webhook_not_found``, ``message_not_found``: none such, or no longer kept.
        Conflict: ``webhook_disabled``; ``delivery_pending``: it is being tried already.
    """
    await _check_enabled(work, endpoint_id)
    if await store.find_message(work, message_id) is None:
        raise NotFound("message_not_found", "There is no such message, or it is no longer kept.")
    added = await store.add_deliveries(work, message_id, [endpoint_id])
    if not added and not await store.begin_again(
        work, endpoint_id=endpoint_id, message_id=message_id
    ):
        raise Conflict("delivery_pending", "This message is being delivered already.")
    await queue_attempt(work, endpoint_id=endpoint_id, message_id=message_id)
    await work.record(MessageReplayed(endpoint_id=endpoint_id, message_id=message_id))


async def _check_enabled(work: Work, endpoint_id: str) -> None:
    endpoint = await get_endpoint(work, endpoint_id=endpoint_id)
    if endpoint.state != "enabled":
        raise Conflict("webhook_disabled", "This webhook endpoint is turned off; enable it first.")
