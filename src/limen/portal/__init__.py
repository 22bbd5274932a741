"""A person's own pages that span capabilities: the account page and what hangs from it.

- ``account_page``: profile, sessions, consents, connections on one page.
- ``actions``: ending, withdrawing, disconnecting; each a plain form on that page.
- ``connection_page``: a connection's health, features, and the apps that may use it.
- ``credential_page``: a key for an account elsewhere, given, replaced, asked about.
- ``password_page``: a new password, after a recent sign-in.
- ``profile_page``: name and picture, one's own or as a provider says.
- ``two_step_page``: a second factor, set up, renewed, removed.
- ``close_page``: the account ends, for good.
- ``overview``: reads what the page shows. ``browser_name``: what a user agent is called.
- ``routes``: all of it as one literal.
"""
