"""The languages that pages and mails are written in.

- ``negotiate``: which one somebody reads (PURE). ``catalogue``: what a text is in it.
- ``words``: a text whose values are filled in once it is translated.
- ``de.po``, ``fr.po``, ``es.po``: the translations; English is what stands in the templates.

Error codes and what programs read stay in English.
"""
