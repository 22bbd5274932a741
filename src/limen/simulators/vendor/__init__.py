"""Any provider of the catalogue, simulated from its entry: the same data from the other side.

- ``app``: an entry's routes. ``places``: where its URLs stand once their hosts are gone.
- ``authorize``: account chooser, consent, the answer. ``token``: codes and refresh tokens become
  tokens, with the rotation the entry tells. ``ending``: revocation and introspection.
- ``authentication``: each operation's own way of knowing the client. ``errors``: vendors' words.
- ``answers``: what stands where in answers: tokens, ID tokens, documents about the account.
- ``shape``: entry, habits and stage together. ``habits``: what an entry does not say.
  ``habits_of``: whose habits they are.
- ``by_key``: credentials of people's own, and whose they are. ``machines``: tokens for those that
  fetch some. ``keyring``: a vendor that takes every kind of credential, and asks nobody's consent.
- ``apis``: a few API calls that answer to access tokens. ``people``: who has accounts.

It knows the entry and none of the code that reads it as a client.
"""
