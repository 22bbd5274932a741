"""What is used of a person's profile: where each field came from, and their pictures.

- ``sources``: which source a field follows, and taking over what that source says.
- ``pictures``: kept by us, made anew of what was given; ``encode`` does that and trusts nothing.
- ``tables``, ``store``: where it is kept.
"""
