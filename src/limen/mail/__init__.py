"""Mail: written in the transaction that causes it, sent after it, sealed in between.

- ``enqueue``: the use case. ``message``: what can be mailed, and what never may be.
- ``deliver``: the outbox handler. ``render``: templates in ``messages/``, text and HTML.
- ``transports``: SMTP, or the development mailbox. ``routes``: that mailbox in the browser.
- ``tables``, ``store``: the development mailbox; nothing else of mail is kept.
"""
