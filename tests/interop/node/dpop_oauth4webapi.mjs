// oauth4webapi 3 with a DPoP key: a machine's token, with nonces and without; a proof comes once.
import * as oauth from "oauth4webapi";
import { report, task } from "./visitor.mjs";

const { issuer, clientId, clientSecret, algorithm, resource } = task();
const insecure = { [oauth.allowInsecureRequests]: true };
const issuerUrl = new URL(issuer);
const found = await oauth.discoveryRequest(issuerUrl, insecure);
const server = await oauth.processDiscoveryResponse(issuerUrl, found);
const client = { client_id: clientId };
const authentication = oauth.ClientSecretBasic(clientSecret);
const keys = await oauth.generateKeyPair(algorithm);
const DPoP = oauth.DPoP(client, keys);

async function ask(options) {
  const parameters = new URLSearchParams({ scope: "things:read", resource });
  const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, {
    ...insecure, ...options,
  });
  return oauth.processClientCredentialsResponse(server, client, answer);
}

const without = await ask({}).then(() => "accepted", (error) => error.error);
let nonces = 0;
const tokens = await ask({ DPoP }).catch((error) => {
  if (!oauth.isDPoPNonceError(error)) throw error;
  nonces += 1;
  return ask({ DPoP });
});

const introspection = await oauth.introspectionRequest(server, client, authentication, tokens.access_token, insecure);
const seen = await oauth.processIntrospectionResponse(server, client, introspection);

// As the API would: the token with its proof, by RFC 9068 and RFC 9449 section 4.3.
let request;
await oauth.protectedResourceRequest(tokens.access_token, "GET", new URL("https://things.example/api/1"), undefined, undefined, {
  DPoP,
  [oauth.customFetch]: (url, options) => {
    request = new Request(url, options);
    return Promise.resolve(new Response("{}", { status: 200 }));
  },
});
const claims = await oauth.validateJwtAccessToken(server, request, resource, insecure);

report({
  without,
  nonces,
  tokenType: tokens.token_type.toLowerCase(),
  bound: claims.cnf.jkt === await DPoP.calculateThumbprint() && seen.cnf.jkt === claims.cnf.jkt,
  seenType: seen.token_type,
});
