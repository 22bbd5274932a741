// openid-client 6 under FAPI 2.0: PAR with private_key_jwt and DPoP; for message signing also a
// signed request (JAR), a signed response (JARM) and a signed introspection (RFC 9701).
import * as client from "openid-client";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, clientId, redirectUri, person, privateJwk, signs } = task();
const algorithm = { name: "ECDSA", namedCurve: "P-256" };
const key = await crypto.subtle.importKey("jwk", privateJwk, algorithm, false, ["sign"]);
const signing = { key, kid: privateJwk.kid };
const config = await client.discovery(
  new URL(issuer),
  clientId,
  { id_token_signed_response_alg: "ES256", authorization_signed_response_alg: "ES256" },
  client.PrivateKeyJwt(signing),
  { execute: [client.allowInsecureRequests] },
);
client.enableNonRepudiationChecks(config);
if (signs) client.useJwtResponseMode(config);
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const asked = {
  redirect_uri: redirectUri,
  scope: "openid email offline_access",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
};
const code = (error) => error.error ?? error.cause?.error ?? error.code;

const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };

const plain = await new Visitor(issuer).authorize(client.buildAuthorizationUrl(config, asked).href, person);
const unpushed = await client.authorizationCodeGrant(config, new URL(plain), checks).then(() => "accepted", code);
const unsigned = await client.buildAuthorizationUrlWithPAR(config, asked, { DPoP }).then(() => "accepted", code);
const params = signs
  ? (await client.buildAuthorizationUrlWithJAR(config, asked, signing)).searchParams
  : asked;
const url = await client.buildAuthorizationUrlWithPAR(config, params, { DPoP });
const callback = new URL(await new Visitor(issuer).authorize(url.href, person));
const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP });
const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
const seen = await client.tokenIntrospection(config, refreshed.access_token);

report({
  parameters: [...url.searchParams.keys()].sort(),
  unpushed,
  unsigned,
  signedResponse: callback.searchParams.has("response"),
  tokenType: tokens.token_type.toLowerCase(),
  email: userinfo.email,
  rotated: (refreshed.refresh_token ?? tokens.refresh_token) !== tokens.refresh_token,
  active: seen.active,
  bound: Boolean(seen.cnf?.jkt),
});
