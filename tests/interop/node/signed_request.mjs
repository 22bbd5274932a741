// oauth4webapi with a signed request (JAR), pushed (PAR) or in the address, and a signed answer (JARM).
import * as oauth from "oauth4webapi";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, clientId, redirectUri, person, privateJwk, pushed } = task();
const http = { [oauth.allowInsecureRequests]: true };
const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: "oidc", ...http });
const as = await oauth.processDiscoveryResponse(new URL(issuer), found);
const caller = {
  client_id: clientId,
  authorization_signed_response_alg: "ES256",
};
const algorithm = { name: "ECDSA", namedCurve: "P-256" };
const key = await crypto.subtle.importKey("jwk", privateJwk, algorithm, false, ["sign"]);
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const asked = new URLSearchParams({
  response_type: "code",
  response_mode: "jwt",
  redirect_uri: redirectUri,
  scope: "openid email",
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
const signed = { client_id: clientId, request: await oauth.issueRequestObject(as, caller, asked, { key, kid: privateJwk.kid }) };

async function push() {
  const answer = await oauth.pushedAuthorizationRequest(as, caller, oauth.None(), signed, http);
  const { request_uri } = await oauth.processPushedAuthorizationResponse(as, caller, answer);
  return { client_id: clientId, request_uri };
}

const url = new URL(as.authorization_endpoint);
url.search = new URLSearchParams(pushed ? await push() : signed).toString();
const callback = new URL(await new Visitor(issuer).authorize(url.href, person));
const params = await oauth.validateJwtAuthResponse(as, caller, callback, state, http);
const answer = await oauth.authorizationCodeGrantRequest(as, caller, oauth.None(), params, redirectUri, verifier, http);
const tokens = await oauth.processAuthorizationCodeResponse(as, caller, answer, { requireIdToken: true });
const { sub } = oauth.getValidatedIdTokenClaims(tokens);
const told = await oauth.userInfoRequest(as, caller, tokens.access_token, http);
const userinfo = await oauth.processUserInfoResponse(as, caller, sub, told);

report({ members: [...callback.searchParams.keys()], scope: tokens.scope, email: userinfo.email });
