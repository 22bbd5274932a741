"""The processes of ``limen serve``: ``one_process``, and ``supervise`` for several."""
