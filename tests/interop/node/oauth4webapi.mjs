// oauth4webapi 3: the strictest response validation there is, both discovery forms.
import * as oauth from "oauth4webapi";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, clientId, clientSecret, redirectUri, person, algorithm } = task();
const insecure = { [oauth.allowInsecureRequests]: true };
const issuerUrl = new URL(issuer);

const found = {};
for (const kind of ["oidc", "oauth2"]) {
  const answer = await oauth.discoveryRequest(issuerUrl, { algorithm: kind, ...insecure });
  found[kind] = await oauth.processDiscoveryResponse(issuerUrl, answer);
}
const server = found[algorithm];
const client = { client_id: clientId };
const authentication = clientSecret ? oauth.ClientSecretPost(clientSecret) : oauth.None();

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const nonce = oauth.generateRandomNonce();
const url = new URL(server.authorization_endpoint);
for (const [name, value] of Object.entries({
  client_id: clientId,
  redirect_uri: redirectUri,
  response_type: "code",
  scope: "openid email offline_access",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
})) url.searchParams.set(name, value);

const visitor = new Visitor(issuer);
const callback = new URL(await visitor.authorize(url.href, person));
const parameters = oauth.validateAuthResponse(server, client, callback, state);
const codeAnswer = await oauth.authorizationCodeGrantRequest(
  server, client, authentication, parameters, redirectUri, verifier, insecure,
);
const tokens = await oauth.processAuthorizationCodeResponse(server, client, codeAnswer, {
  expectedNonce: nonce,
  requireIdToken: true,
});
await oauth.validateApplicationLevelSignature(server, codeAnswer, insecure);
const claims = oauth.getValidatedIdTokenClaims(tokens);

const userinfoAnswer = await oauth.userInfoRequest(server, client, tokens.access_token, insecure);
const userinfo = await oauth.processUserInfoResponse(server, client, claims.sub, userinfoAnswer);

const refreshAnswer = await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token, insecure);
const refreshed = await oauth.processRefreshTokenResponse(server, client, refreshAnswer);

// As a resource server would: the access token alone, by RFC 9068.
const request = new Request("https://resource.example/", {
  headers: { authorization: `Bearer ${refreshed.access_token}` },
});
const access = await oauth.validateJwtAccessToken(server, request, issuer, insecure);

let active = null;
if (clientSecret) {
  const answer = await oauth.introspectionRequest(server, client, authentication, refreshed.access_token, insecure);
  active = (await oauth.processIntrospectionResponse(server, client, answer)).active;
}
const live = refreshed.refresh_token ?? tokens.refresh_token;
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, authentication, live, insecure),
);
const late = await oauth.refreshTokenGrantRequest(server, client, authentication, live, insecure);
const lateError = await oauth.processRefreshTokenResponse(server, client, late).then(
  () => "accepted",
  (error) => error.error,
);

report({
  issuers: [found.oidc.issuer, found.oauth2.issuer],
  email: userinfo.email,
  accessClient: access.client_id,
  rotated: Boolean(refreshed.refresh_token) && refreshed.refresh_token !== tokens.refresh_token,
  active,
  lateError,
});
