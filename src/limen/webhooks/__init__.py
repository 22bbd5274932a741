"""Others are told what happened: signed messages, tried until they arrive, replayed by id.

A message is written in the transaction that causes it and sent once that is durable. Receivers
recognise a repetition by its id. An endpoint that fails for days is turned off and said so.

- ``model``: endpoints, messages, deliveries; what can be subscribed to.
- ``publish``: from what happened to rows. ``deliver``: one signed attempt, and when the next is.
- ``manage``: endpoints and their secrets. ``replay``: what was sent, and sending it again.
- ``tables``, ``store``, ``events``, ``sweep``.
"""
