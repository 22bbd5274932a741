"""What is used of a person's profile: where each field came from, and their pictures.

- ``sources``: which source a field follows, and taking over what that source says.
- ``pictures``: kept by us, made anew of what was given; ``encode`` does that and trusts nothing.
- ``fetch``: from where somebody else shows one, a person's or a client's logo.
- ``tables``, ``store``: where it is kept.
"""
