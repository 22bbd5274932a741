// openid-client 6 registers itself, signs a person in as whom it registered, reads its
// registration and leaves.
import * as client from "openid-client";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, initialAccessToken, method, redirectUri, person } = task();
const insecure = { execute: [client.allowInsecureRequests] };

const config = await client.dynamicClientRegistration(
  new URL(issuer),
  {
    client_name: "Registers itself",
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: method,
    grant_types: ["authorization_code", "refresh_token"],
  },
  undefined,
  { ...insecure, initialAccessToken },
);
const registered = config.clientMetadata();
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: "openid email offline_access",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
});
const visitor = new Visitor(issuer);
const callback = new URL(await visitor.authorize(url.href, person));
const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: verifier,
  expectedState: state,
  idTokenExpected: true,
});
const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
const headers = { authorization: `Bearer ${registered.registration_access_token}` };
const shown = await (await fetch(registered.registration_client_uri, { headers })).json();
const left = await fetch(registered.registration_client_uri, { method: "DELETE", headers });
const afterwards = await client.refreshTokenGrant(config, tokens.refresh_token).then(
  () => "accepted",
  (error) => error.error,
);

report({
  name: registered.client_name,
  secretExpires: registered.client_secret_expires_at ?? null,
  email: userinfo.email,
  sameId: shown.client_id === registered.client_id,
  showsSecret: "client_secret" in shown,
  left: left.status,
  afterwards,
});
