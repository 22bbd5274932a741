"""What providers said of people: kept as they said it, with what changed and when.

- ``identity_id``: what an identity is called in our URLs.
- ``note``: keep what a provider just said; notice what is new; offer it to the account.
- ``read``: what a person is shown of it. ``synchronise``: ask again while they are away.
- ``picture``: fetch a picture through ``net`` and keep our own of it.
- ``tables``, ``store``: where it is kept, the words themselves sealed.
"""
