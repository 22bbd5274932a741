"""One module per endpoint; each offers ``routes(parts)``, listed in ``limen.oauth.routes``.

An endpoint owns the shared steps: it reads the request, authenticates the client, asks the use
case, writes the answer. Which origins' scripts may read an answer is decided by path in
``limen.web.policy.cors``; each module says what it relies on.
"""
