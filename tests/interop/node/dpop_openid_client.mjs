// openid-client 6 with a DPoP key: a code bound to it, nonces, UserInfo, refresh, our own API.
import * as client from "openid-client";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, clientId, clientSecret, redirectUri, person, algorithm, resource } = task();
const insecure = { execute: [client.allowInsecureRequests] };

const config = await client.discovery(new URL(issuer), clientId, clientSecret, undefined, insecure);
const offered = config.serverMetadata().dpop_signing_alg_values_supported;
const keys = await client.randomDPoPKeyPair(algorithm);
const DPoP = client.getDPoPHandle(config, keys);
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: "openid email profile offline_access",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  dpop_jkt: await DPoP.calculateThumbprint(),
  state,
  nonce,
});
const callback = new URL(await new Visitor(issuer).authorize(url.href, person));
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
const stranger = client.getDPoPHandle(config, await client.randomDPoPKeyPair(algorithm));
const code = (error) => error.error ?? error.cause?.[0]?.parameters?.error ?? error.code;
const otherKey = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP: stranger })
  .then(() => "accepted", code);
const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP });
const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
const asBearer = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  .then(() => "accepted", code);
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
const live = refreshed.refresh_token ?? tokens.refresh_token;
const stolen = await client.refreshTokenGrant(config, live, undefined, { DPoP: stranger })
  .then((answer) => answer.token_type, code);
const answer = await client.fetchProtectedResource(
  config, refreshed.access_token, new URL(resource), "GET", undefined, undefined, { DPoP },
).then((response) => response.status, (error) => error.cause?.[0]?.parameters?.error ?? error.code);

report({
  offered: offered.includes(algorithm),
  tokenType: tokens.token_type.toLowerCase(),
  email: userinfo.email,
  otherKey,
  asBearer,
  refreshedType: refreshed.token_type.toLowerCase(),
  stolen: stolen.toLowerCase(),
  answer,
});
