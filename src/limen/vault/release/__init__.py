"""What is done with a token beside handing it to its owner.

- ``exchange``: the target of token exchange (RFC 8693) that gives a third party's token.
- ``report``: an app saw it refused.
"""
