"""We are the authorization server: who may ask, who is asked, what is answered.

- ``endpoints``: one module per endpoint; the shared steps of each are there, never in a grant.
- ``grants``: one module per grant of the token endpoint.
- ``authorize``: the checks of an authorization request, in one list, and what follows from it.
- ``interaction``: a request that waits for a person. ``consent``: what people agreed to.
- ``answer``: the one place where a code is issued or refused. ``codes``: codes, redeemed once.
- ``clients``, ``resources``: cached readings. ``registry``: registering and changing them.
- ``registration``: clients that register themselves, or are the address of a document.
- ``service_accounts``: machines with several credentials. ``api_keys``: what keys may be made for.
- ``revocation``: everything of somebody, ended at once.
- ``transfer``: clients carried from one installation to another.
- ``first_party``: sign-in of our own native apps without a browser.
- ``inspect_request``: why a request would be refused, for operators.
- ``exchange``: tokens for tokens. ``trust``: whose word is taken. ``introspection``: who may
  hear of a token.
- ``client_authentication``: which client is calling. ``assurance``: what ``acr`` means.
- ``model``: the values. ``store``, ``tables``: SQL. ``events``: what is recorded.
- ``sweep``: deletes what is over. ``parts``: what it all needs. ``routes``: its addresses.
"""
