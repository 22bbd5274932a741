"""The end of a session, as far as clients are concerned.

- ``decide``: what a logout request may do.
- ``back_channel``: telling their servers, from the outbox.
- ``front_channel``: telling them through the browser that signs out.
"""
