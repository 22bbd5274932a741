"""An app asks a person to share a connection with it, on a page of ours.

The app makes a request and sends the person to its link; they choose an account, connect one
first if they have none, and say yes or no. The app hears of it in the redirect, by poll, and
the tenant by webhook. Nothing here lets a token out: sharing is ``limen.vault.sharing``.

- ``ask``: the request and its link. ``look``: what its person is shown. ``accounts``: which of
  their accounts can be chosen, and what that would allow. ``answer``: yes, no, or connect first.
- ``follow``: what the app is told by poll.
- ``events``, ``model``, ``store``, ``tables``.
"""
