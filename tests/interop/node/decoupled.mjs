// openid-client 6: a device that shows a code, and a server that has a person asked (CIBA).
import * as client from "openid-client";
import { Visitor, report, task } from "./visitor.mjs";

const { issuer, device, server, person } = task();
const insecure = { execute: [client.allowInsecureRequests] };
const found = (each) =>
  client.discovery(new URL(issuer), each.clientId, each.clientSecret ?? undefined, undefined, insecure);

// A device: somebody follows the link, types what the device shows all the same, and agrees.
const tv = await found(device);
const shown = await client.initiateDeviceAuthorization(tv, { scope: "openid email offline_access" });
const polled = client.pollDeviceAuthorizationGrant(tv, shown);
const visitor = new Visitor(issuer);
let page = await visitor.fetch(shown.verification_uri_complete);
page = await visitor.press(page, "sign-in-submit", person);
page = await visitor.press(page, "user-code-submit", { "user-code": shown.user_code.toLowerCase() });
page = await visitor.press(page, "consent-allow");
const tokens = await polled;
const userinfo = await client.fetchUserInfo(tv, tokens.access_token, tokens.claims().sub);
const refreshed = await client.refreshTokenGrant(tv, tokens.refresh_token);

// The same, and the person says no.
const second = await client.initiateDeviceAuthorization(tv, { scope: "openid" });
page = await visitor.fetch(second.verification_uri);
page = await visitor.press(page, "user-code-submit", { "user-code": second.user_code });
await visitor.press(page, "consent-deny");
const denied = await client.pollDeviceAuthorizationGrant(tv, second).then(
  () => "accepted",
  (error) => error.error,
);

// A server: in development a suite answers for the person.
const bank = await found(server);
const ask = () =>
  client.initiateBackchannelAuthentication(bank, {
    scope: "openid email",
    login_hint: person.email,
    binding_message: "W4SCT",
  });
const answer = (asked, word) =>
  fetch(`${issuer}/dev/ciba/${asked.auth_req_id}/${word}`, { method: "POST" }).then((told) => told.status);
const asked = await ask();
const answered = await answer(asked, "allow");
const approved = await client.pollBackchannelAuthenticationGrant(bank, asked);
const refused = await ask();
await answer(refused, "deny");
const ciba = await client.pollBackchannelAuthenticationGrant(bank, refused).then(
  () => "accepted",
  (error) => error.error,
);

report({
  done: page.status,
  email: userinfo.email,
  refreshed: Boolean(refreshed.access_token),
  denied,
  answered,
  subjects: new Set([tokens.claims().sub, approved.claims().sub]).size,
  scope: approved.scope,
  ciba,
});
