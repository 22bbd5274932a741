"""The way in: the interactive journey from a visitor to a session, on pages and over JSON.

- ``journey``: pure; what is still missing before a session may begin.
- ``steps``: what comes between a proven password and a session; ``door``: what that needs.
- ``with_password``, ``with_provider``: the use cases every face calls.
- ``provider/``: what becomes of an account elsewhere that somebody proved to have.
- ``budgets``, ``throttle``, ``known_device``: guessing has a price, and strangers can't make
  others pay it. ``reset_password``, ``change_password``: with the price, and with the factors.
- ``ending/``: how accounts end by their own people.
- ``token_pair``: first-party login as tokens. ``browser_session``: as a cookie.
- ``continue_url``: where a person goes on afterwards; a path, signed by who sent them.
- ``routes``, ``account_routes``: ``/api/v1/auth``. ``pages``: the same over HTML forms.
"""
