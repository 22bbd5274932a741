// oauth4webapi as an API that wants the answer about a token signed (RFC 9701).
import * as oauth from "oauth4webapi";
import { report, task } from "./visitor.mjs";

const { issuer, api, machine, resource } = task();
const http = { [oauth.allowInsecureRequests]: true };
const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: "oauth2", ...http });
const as = await oauth.processDiscoveryResponse(new URL(issuer), found);

const caller = { client_id: machine.clientId };
const answer = await oauth.clientCredentialsGrantRequest(
  as, caller, oauth.ClientSecretBasic(machine.clientSecret), { scope: "things:read", resource }, http,
);
const tokens = await oauth.processClientCredentialsResponse(as, caller, answer);

const asks = { client_id: api.clientId, introspection_signed_response_alg: "ES256" };
const told = await oauth.introspectionRequest(
  as, asks, oauth.ClientSecretBasic(api.clientSecret), tokens.access_token,
  { requestJwtResponse: true, ...http },
);
const type = told.headers.get("content-type");
const seen = await oauth.processIntrospectionResponse(as, asks, told);
await oauth.validateApplicationLevelSignature(as, told, http);

report({ type, active: seen.active, scope: seen.scope, about: seen.client_id === machine.clientId });
