"""Server-rendered HTML without a build step.

- ``render``: ``Pages``, one Jinja2 environment over the templates of all capabilities.
- ``assets``: stylesheet and scripts under names that change with their content.
- ``error_words``: what an error page tells a person beside the refusal's own words.
"""

from limen.web.pages.assets import Static
from limen.web.pages.render import Pages, brand_of

__all__ = ["Pages", "Static", "brand_of"]
