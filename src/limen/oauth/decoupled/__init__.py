"""A verified request that a person approves on another screen: a device's, or a server's (CIBA).

Both are one row. It begins verified, waits, is approved or denied once, and is redeemed once.

- Their rows are in ``pending``. ``events``: what is recorded.
- ``allowed``: what a client may have; said when it asks, when it is approved, when it redeems.
- ``begin_device``, ``begin_backchannel``: take a request. ``hinted_user``: whom a hint names.
- ``typed_code``: find a device's request by what somebody types, at a price.
- ``decide``: look at a request, approve it, deny it. ``waiting_for``: all that wait for a person.
- ``redeem``: what the token endpoint answers to whoever polls.
- ``ping``: tell a server that a person has answered. ``tell_person``: that they are asked.
"""
