"""How one of our clients fares at its provider, apart from any person's connection.

- ``breaker``: when failures are a burst, and an incident of ours (PURE).
- ``bucket``: how often it may ask (PURE).
- ``incidents``: opened, probed, over; the rate kept. ``store``: its SQL.
"""
