"""What becomes of an external account that somebody proved to have.

- ``rules``: whom the tenant lets in with which provider.
- ``proven``: the account as just proven; kept for a moment where something has to come first.
- ``settle``: whose it is: their account, a new one, or one that has to be proven first.
- ``prove_mailbox``: that first: a code, mailed to the account's address, typed where it began.
- ``link``: another way in for somebody signed in; and back out again, but never the last.
- ``ticket``: the way back to a front end of another origin: good once, with its verifier.
- ``tables``, ``store``: where it is kept.
"""
