from __future__ import annotations

import io
import re

from PIL import Image

from tests.installation import Installation
from tests.oauth_client import Flow
from tests.standings import EACH_ONCE
from tests.unit.net.servers import answer, listening

pytestmark = EACH_ONCE
_LOGO = re.compile(r'<img class="logo"[^>]* src="([^"]+)"')


def drawn() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 10), "teal").save(out, "PNG")
    return out.getvalue()


async def test_a_logo_is_loaded_from_below_our_own_root_on_both_pages(limen: Installation) -> None:
    async with listening(answer(drawn())) as theirs:
        client = await limen.client(metadata={"logo_uri": f"{theirs.url}/logo.png"})
        await limen.settle()
    flow, person = Flow(limen, client), await limen.person()
    pages = [await person.browser.open(flow.url())]
    await person.sign_in()
    pages.append(await person.browser.open(flow.url()))
    for page in pages:
        [source] = _LOGO.findall(page.text)
        assert f"{limen.root}{source}".startswith(f"{limen.issuer}/logos/")
        assert "img-src 'self'" in page.headers["content-security-policy"]
        shown = await limen.api.fetch("GET", f"{limen.root}{source}")
        assert (shown.status, shown.headers["content-type"]) == (200, "image/webp")
        other = await limen.api.fetch("GET", f"{limen.root}{source}%0A")
        assert other.status == 404
