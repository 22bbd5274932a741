// oauth4webapi 3 as a device: it asks too early, then too often, then somebody has agreed; and the
// next time they do not. The library leaves the waiting to whoever calls it.
import * as oauth from "oauth4webapi";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, clientId, person } = task();
const insecure = { [oauth.allowInsecureRequests]: true };
const issuerUrl = new URL(issuer);
const server = await oauth.processDiscoveryResponse(
  issuerUrl, await oauth.discoveryRequest(issuerUrl, { algorithm: "oauth2", ...insecure }),
);
const client = { client_id: clientId };
const nobody = oauth.None();

async function begin(scope) {
  const answer = await oauth.deviceAuthorizationRequest(server, client, nobody, { scope }, insecure);
  return oauth.processDeviceAuthorizationResponse(server, client, answer);
}

async function poll(shown) {
  const answer = await oauth.deviceCodeGrantRequest(server, client, nobody, shown.device_code, insecure);
  return { answer, tokens: await oauth.processDeviceCodeResponse(server, client, answer) };
}

const refusal = (polled) => polled.then(() => "accepted", (error) => error.error ?? String(error));

const shown = await begin("openid email offline_access");
const early = [await refusal(poll(shown)), await refusal(poll(shown))];
const visitor = new Visitor(issuer);
let page = await visitor.fetch(shown.verification_uri);
page = await visitor.press(page, "sign-in-submit", person);
page = await visitor.press(page, "user-code-submit", { "user-code": shown.user_code });
page = await visitor.press(page, "consent-allow");
const { answer, tokens } = await poll(shown);
await oauth.validateApplicationLevelSignature(server, answer, insecure);
const claims = oauth.getValidatedIdTokenClaims(tokens);
const userinfo = await oauth.processUserInfoResponse(
  server, client, claims.sub, await oauth.userInfoRequest(server, client, tokens.access_token, insecure),
);
const refreshed = await oauth.processRefreshTokenResponse(
  server, client, await oauth.refreshTokenGrantRequest(server, client, nobody, tokens.refresh_token, insecure),
);
const again = await refusal(poll(shown));

const second = await begin("openid");
page = await visitor.fetch(second.verification_uri);
page = await visitor.press(page, "user-code-submit", { "user-code": second.user_code });
await visitor.press(page, "consent-deny");

report({
  early,
  audience: claims.aud,
  email: userinfo.email,
  refreshed: refreshed.access_token !== tokens.access_token,
  again,
  denied: await refusal(poll(second)),
});
