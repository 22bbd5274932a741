"""The OpenAPI document: the JSON API as FastAPI knows it, the rest as we write it.

- ``document``: the whole. ``problems``: what every route may refuse with.
- ``plain``: routes that are no FastAPI ones.
- ``examples``: a value for every shape that brings none of its own.
"""
