"""The tour of ``limen demo``: what a person, an app and a machine get, step by step.

- ``people``, ``tokens``, ``connections``: the steps, in thirds. ``tourist``: who takes it.
- ``place``: the server it is taken on, running already or started for it.
"""
