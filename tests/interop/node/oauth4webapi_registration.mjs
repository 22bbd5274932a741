// oauth4webapi 3 registers itself, signs a person in as whom it registered, logs them out, reads
// its registration and leaves. The library has no call for the last two (RFC 7592).
import * as oauth from "oauth4webapi";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, initialAccessToken, method, redirectUri, logoutUri, person } = task();
const insecure = { [oauth.allowInsecureRequests]: true };
const issuerUrl = new URL(issuer);
const server = await oauth.processDiscoveryResponse(
  issuerUrl, await oauth.discoveryRequest(issuerUrl, insecure),
);

async function register(token) {
  const metadata = {
    client_name: "Registers itself",
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [logoutUri],
    token_endpoint_auth_method: method,
    grant_types: ["authorization_code", "refresh_token"],
  };
  const answer = await oauth.dynamicClientRegistrationRequest(server, metadata, {
    ...insecure,
    initialAccessToken: token,
  });
  return oauth.processDynamicClientRegistrationResponse(answer);
}

// A challenge is one error of the library's, a body another; both have the status.
const refusal = (attempt) => attempt.then(() => "accepted", (error) => error.status ?? String(error));

const uninvited = await refusal(register(`${initialAccessToken}x`));
const client = await register(initialAccessToken);
const authentication = {
  none: () => oauth.None(),
  client_secret_basic: () => oauth.ClientSecretBasic(client.client_secret),
  client_secret_post: () => oauth.ClientSecretPost(client.client_secret),
}[client.token_endpoint_auth_method]();

const visitor = new Visitor(issuer);

async function signIn() {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid email offline_access",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  });
  const page = await visitor.fetch(url.href);
  if (!page.text.includes('id="sign-in-submit"')) throw new Error(`nobody is asked to sign in: ${page.url}`);
  const callback = new URL(await visitor.authorize(url.href, person));
  const parameters = oauth.validateAuthResponse(server, client, callback, state);
  const answer = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, parameters, redirectUri, verifier, insecure,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(server, answer, insecure);
  return tokens;
}

// The library has the endpoint's address from discovery; the rest is a link.
async function logOut(tokens, address) {
  const url = new URL(server.end_session_endpoint);
  url.search = new URLSearchParams({
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: address,
    state: "bye",
  });
  return visitor.press(await visitor.fetch(url.href), "logout-yes");
}

// Each of them signs in anew, so the logout before it was one.
const strayed = await logOut(await signIn(), `${logoutUri}/elsewhere`);
const loggedOut = await logOut(await signIn(), logoutUri);
const tokens = await signIn();
const { sub } = oauth.getValidatedIdTokenClaims(tokens);
const userinfo = await oauth.processUserInfoResponse(
  server, client, sub, await oauth.userInfoRequest(server, client, tokens.access_token, insecure),
);

const headers = { authorization: `Bearer ${client.registration_access_token}` };
const shown = await (await fetch(client.registration_client_uri, { headers })).json();
const left = await fetch(client.registration_client_uri, { method: "DELETE", headers });
const gone = await fetch(client.registration_client_uri, { headers });
const late = await oauth.refreshTokenGrantRequest(
  server, client, authentication, tokens.refresh_token, insecure,
);
const afterwards = await refusal(oauth.processRefreshTokenResponse(server, client, late));

report({
  uninvited,
  secretExpires: client.client_secret_expires_at ?? null,
  email: userinfo.email,
  strayed: [new URL(strayed.url).pathname, strayed.text.includes('id="logged-out"')],
  loggedOutTo: loggedOut.url,
  sameId: shown.client_id === client.client_id,
  showsSecret: "client_secret" in shown,
  left: left.status,
  gone: gone.status,
  afterwards,
});
