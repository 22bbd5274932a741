"""The audit log's seals: what shows that a line was altered, taken away, added or moved.

Each tenant has a chain of its own. A segment is a run of events numbered when it is sealed, never
when they are written: what commits late is in the next one. Its seal is a JWS that names the
hashes of its events and the seal before it.

- ``event_hash``: an event's one spelling, and its hash. ``seal``: a segment's seal as a JWS.
- ``keys``: the Ed25519 key that signs, and how its public half is known to be ours.
- ``head``: the end of the chain, under a MAC. ``find_fault``: whether the end still fits.
- ``sealer``: the loop. ``drop``: what is kept no longer goes, whole segments at a time.
- ``check``: one segment against its seal. ``verify``: a whole chain. ``against_log``: the log
  stream's seals against the chain.
- ``read_events``: a segment's events, also where rows can't be read any more.
- ``export``, ``verify_export``: a chain as lines that anybody can prove, and the proof.
- ``tables``, ``seal_store``, ``events``.
"""
