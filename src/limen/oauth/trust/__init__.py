"""Other issuers whose word about our users we take, as far as an administrator said.

- ``issuer``: what is believed of one. ``store``: its SQL, and that of the subjects it names.
- ``trust_issuer``: beginning, changing and ending it. ``link_subject``: whom it speaks of.
- ``keys``: the issuers' keys. ``verify_assertion``: one assertion, checked whole.
- ``brief_grant``: what a user's token from such a word, or from an ID token, belongs to.
"""
