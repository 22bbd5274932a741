// A relying party with a back channel: signs a person in with a signed request, lets them log out,
// and verifies the logout token that arrives with jose.
import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as client from "openid-client";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, clientId, clientSecret, redirectUri, logoutUri, port, person } = task();
const arrived = new Promise((resolve) => {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    response.setHeader("cache-control", "no-store").end();
    server.close();
    resolve(new URLSearchParams(body).get("logout_token"));
  }).listen(port, "127.0.0.1");
});

const insecure = { execute: [client.allowInsecureRequests] };
const config = await client.discovery(new URL(issuer), clientId, clientSecret, undefined, insecure);
const verifier = client.randomPKCECodeVerifier();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: "openid email",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
const visitor = new Visitor(issuer);
const callback = new URL(await visitor.authorize(url.href, person));
const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: verifier,
  idTokenExpected: true,
});
const claims = tokens.claims();
const leave = client.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: logoutUri,
});
let page = await visitor.fetch(leave.href);
if (page.text.includes('id="logout-yes"')) page = await visitor.press(page, "logout-yes");
const { payload, protectedHeader } = await jwtVerify(
  await arrived,
  createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri)),
  { issuer, audience: clientId, typ: "logout+jwt", requiredClaims: ["iat", "exp", "jti", "events"] },
);

report({
  loggedOutTo: page.url,
  algorithm: protectedHeader.alg,
  events: payload.events,
  sameSession: payload.sid === claims.sid,
  sameSubject: payload.sub === claims.sub,
  nonce: payload.nonce ?? null,
});
