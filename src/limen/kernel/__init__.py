"""Words everyone uses; imports nothing of ours.

- ``errors``: the kinds of refusal. ``ids``: names and capabilities. ``clock``: injected time.
- ``tokens``: random secrets with a prefix, and their hashes. ``secret``: values that never print.
- ``events``: what happened, with a name grammar. ``actor``: who asks.
- ``shares``: places of which nobody takes all (PURE).
"""
