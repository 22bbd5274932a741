"""An authorization request: checked, decided, answered.

- ``asked``: the values: who asks, what was verified, what may follow.
- ``sent``: what counts of what was sent: parameters, a request object, a pushed request.
- ``address``: whom it is for. ``checks``: all that is checked then, in one list.
- ``push``, ``pushed``: a request that a client sends ahead, taken by its answer.
- ``allowed``: what of scope, claims and details a client may have; asked twice.
- ``decide``: what is still missing before a code may be issued.
- ``interaction``: a request that waits for a person.
- ``answer``: the one place where a code is issued or a client is told no.
- ``attendance``: which clients learned of a session. ``undo_sign_in``: one that may not stay.
- ``assurance``: what ``acr`` means. ``id_token_hint``: whom a client expects.
"""
