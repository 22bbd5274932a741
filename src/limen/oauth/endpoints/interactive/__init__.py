"""Where people are asked: the pages, and the same journey as JSON for front ends.

- ``by_accept``: which of the two answers. ``browser``: cookie, session and answer of a browser.
- ``consent_page``: where a browser goes on and agrees. ``ways``: the URLs between the pages.
- ``interactions``: the journey over JSON; ``step_routes`` its second factor and other steps,
  ``provider_routes`` signing in with a provider, ``journey`` what they share. ``front_end``: who
  may lead it. ``sign_in``: its first step. ``consents``: a user's own, listed and withdrawn.
- ``who_asks``: what the sign-in page says of the client that somebody signs in for.
- ``words``: what a consent says. ``schemas``: what the JSON looks like.
"""
