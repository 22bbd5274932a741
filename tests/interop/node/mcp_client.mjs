// The TypeScript SDK of MCP: from an address that answers 401 to a tool's answer, and a refresh.
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, url, document, redirectUri, person } = task();
const visitor = new Visitor(issuer);
const kept = {};
let asked = 0;
let authorization;
let callback;

const provider = {
  redirectUrl: redirectUri,
  clientMetadataUrl: document ?? undefined,
  clientMetadata: {
    client_name: "TypeScript",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "none",
  },
  state: () => (kept.state ??= crypto.randomUUID()),
  clientInformation: () => kept.client,
  saveClientInformation: (client) => { kept.client = client; },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens; },
  saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
  codeVerifier: () => kept.verifier,
  redirectToAuthorization: async (address) => {
    asked += 1;
    authorization = address;
    callback = new URL(await visitor.authorize(address.href, person));
  },
};

async function call() {
  const client = new Client({ name: "interop", version: "1" });
  const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
  const used = transport();
  try {
    await client.connect(used);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    if (callback.searchParams.get("state") !== kept.state) throw new Error("another state");
    await used.finishAuth(callback.searchParams);
    await client.connect(transport());
  }
  const told = await client.callTool({ name: "whose", arguments: {} });
  await client.close();
  return told.content[0].text;
}

const first = await call();
const old = kept.tokens;
kept.tokens = { ...old, access_token: "expired" };
const second = await call();

report({
  first,
  second,
  resource: authorization.searchParams.get("resource"),
  byDocument: kept.client.client_id === document,
  refreshed: kept.tokens.access_token !== old.access_token && kept.tokens.refresh_token !== old.refresh_token,
  asked,
});
