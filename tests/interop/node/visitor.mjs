// A person with a browser that has no JavaScript: keeps cookies, fills forms, stops at a foreign address.

export class Visitor {
  constructor(base) {
    this.origin = new URL(base).origin;
    this.cookies = new Map();
  }

  async fetch(url, options = {}) {
    const headers = new Headers(options.headers);
    if (this.cookies.size) {
      headers.set("cookie", [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    }
    const answer = await fetch(url, { ...options, headers, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(";");
      const at = pair.indexOf("=");
      if (/max-age=0/i.test(line)) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const location = answer.headers.get("location");
    if (!location || answer.status < 300 || answer.status > 399) {
      return { url, status: answer.status, text: await answer.text() };
    }
    const next = new URL(location, url).href;
    if (new URL(next).origin !== this.origin) return { url: next, status: 0, text: "" };
    return this.fetch(next);
  }

  async press(page, button, typed = {}) {
    const form = [...page.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)]
      .map(([, attributes, inner]) => ({ attributes, inner }))
      .find(({ inner }) => inner.includes(`id="${button}"`));
    if (!form) throw new Error(`no #${button} at ${page.url} (${page.status}): ${page.text.slice(0, 800)}`);
    const body = new URLSearchParams();
    for (const [tag] of form.inner.matchAll(/<input\b[^>]*>/g)) {
      const name = attribute(tag, "name");
      if (name && !(name in typed)) body.append(name, attribute(tag, "value") ?? "");
    }
    for (const [name, value] of Object.entries(typed)) body.append(name, value);
    const [pressed] = form.inner.match(new RegExp(`<button\\b[^>]*id="${button}"[^>]*>`));
    if (attribute(pressed, "name")) body.append(attribute(pressed, "name"), attribute(pressed, "value") ?? "");
    const action = attribute(pressed, "formaction") ?? attribute(form.attributes, "action");
    return this.fetch(new URL(action || page.url, page.url).href, {
      method: "POST",
      body,
      headers: { origin: this.origin, "sec-fetch-site": "same-origin" },
    });
  }

  // Opens a client's authorization request and does what is asked until it leads elsewhere.
  async authorize(url, { email, password }) {
    let page = await this.fetch(url);
    for (let step = 0; step < 4 && page.status; step += 1) {
      if (page.text.includes('id="sign-in-submit"')) page = await this.press(page, "sign-in-submit", { email, password });
      else if (page.text.includes('id="consent-allow"')) page = await this.press(page, "consent-allow");
      else throw new Error(`a page nobody expected at ${page.url} (${page.status}): ${page.text.slice(0, 800)}`);
    }
    return page.url;
  }
}

function attribute(tag, name) {
  const found = tag.match(new RegExp(`\\b${name}="([^"]*)"`));
  if (!found) return undefined;
  return found[1].replaceAll("&#34;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function task() {
  return JSON.parse(process.argv[2]);
}

export function report(result) {
  process.stdout.write(JSON.stringify(result));
}
