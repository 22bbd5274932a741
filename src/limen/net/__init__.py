"""The one door out: every outbound request of the server goes through ``Net.fetch``.

- ``addresses``: which IP addresses are never called (PURE).
- ``doors``: the rules for a URL, when it is saved and when it is dialled; the allow-list.
- ``answer``: what came back. ``freshness``: for how long it may be kept.
- ``session``: aiohttp, set up so that nothing slips by.
- ``places``: calls wait for their turn, and nobody takes all. ``look_up``: names, in own threads.
- ``authorities``: whose certificates are believed beside the system's.
- ``retry_after``: how long the other side wants to be left alone.
- ``stream``: an answer handed on while it comes.
- ``client``: ``Net``. No redirects, no retries, no proxies, no cookies; a deadline and a bound
  on every body; failures say whether a byte may have left.
"""

from limen.net.answer import Answer
from limen.net.client import Net
from limen.net.doors import Doors

__all__ = ["Answer", "Doors", "Net"]
