// openid-client 6, a certified relying party: discovery, code with PKCE, UserInfo, refresh,
// introspection, revocation, RP-initiated logout, client credentials.
import * as client from "openid-client";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, clientId, clientSecret, redirectUri, person, machine, logoutUri } = task();
const insecure = { execute: [client.allowInsecureRequests] };

const config = await client.discovery(new URL(issuer), clientId, clientSecret, undefined, insecure);
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: "openid email profile offline_access",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
});
const visitor = new Visitor(issuer);
const callback = new URL(await visitor.authorize(url.href, person));
const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: verifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
});
const claims = tokens.claims();
const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
const introspected = clientSecret ? await client.tokenIntrospection(config, refreshed.access_token) : null;
const live = refreshed.refresh_token ?? tokens.refresh_token;
await client.tokenRevocation(config, live);
const afterRevocation = await client.refreshTokenGrant(config, live).then(
  () => "accepted",
  (error) => error.error,
);
const logout = client.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: logoutUri,
  state: "bye",
});
let page = await visitor.fetch(logout.href);
if (page.text.includes('id="logout-yes"')) page = await visitor.press(page, "logout-yes");

const machineConfig = await client.discovery(
  new URL(issuer), machine.clientId, machine.clientSecret, client.ClientSecretBasic(machine.clientSecret), insecure,
);
const machineTokens = await client.clientCredentialsGrant(machineConfig, { scope: "things:read" });

report({
  email: userinfo.email,
  subject: claims.sub,
  refreshed: Boolean(refreshed.access_token) && refreshed.access_token !== tokens.access_token,
  rotated: Boolean(refreshed.refresh_token) && refreshed.refresh_token !== tokens.refresh_token,
  active: introspected && introspected.active,
  afterRevocation,
  loggedOutTo: page.url,
  machineScope: machineTokens.scope,
});
