// openid-client 6 as a machine: private_key_jwt and client_secret_jwt at every endpoint that
// authenticates clients.
import * as client from "openid-client";
import { report, task } from "./visitor.mjs";

const { issuer, signing, sharing } = task();
const insecure = { execute: [client.allowInsecureRequests] };

async function run({ clientId, authentication, metadata }) {
  const config = await client.discovery(new URL(issuer), clientId, metadata, authentication, insecure);
  const tokens = await client.clientCredentialsGrant(config, { scope: "things:read" });
  const before = await client.tokenIntrospection(config, tokens.access_token);
  await client.tokenRevocation(config, tokens.access_token);
  const after = await client.tokenIntrospection(config, tokens.access_token);
  return { scope: tokens.scope, before: before.active, after: after.active };
}

const key = await crypto.subtle.importKey(
  "jwk", signing.privateJwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"],
);
report({
  signing: await run({
    clientId: signing.clientId,
    authentication: client.PrivateKeyJwt({ key, kid: signing.kid }),
  }),
  sharing: await run({
    clientId: sharing.clientId,
    authentication: client.ClientSecretJwt(sharing.clientSecret),
  }),
});
