"""The HTTP faces of the way in: ``*_api`` over JSON, ``*_page`` over plain HTML forms.

``step_page`` and ``steps_api`` lead through what comes before a session; ``lead_on`` sends a
browser there. ``browser`` holds what both share: who calls, and the cookies of a browser that
is in.
"""
