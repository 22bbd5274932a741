"""The steps between a proven first factor and a session, whichever face leads through them.

- ``underway``: who is on the way in: ``Underway``; ``Entered`` or ``Waiting`` afterwards.
- ``waiting``: who has a step to pass is remembered, and found again.
- ``enter``: ``go_on`` begins the session, or says which step comes first.
- ``take_step``: passes one step, ``show_step`` says what a person has to be shown for it.
- ``second_factor``: a code has its price, per person and not per attempt to sign in.
- ``missing``: what is missing to a session that there is.
- ``step_up``: a code in a session. ``forget``: a reaction; a changed password ends the wait.
- ``store``: who waits, found by the hash of a token that is good for one step.
"""
