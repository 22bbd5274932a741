// A certified OpenID provider that is not ours: npm oidc-provider in memory. Refresh tokens rotate
// and their reuse is detected. Whoever comes is signed in and agrees, without a page.
import { Provider } from "oidc-provider";

const { port, clients } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const seen = { refreshes: 0, revocations: 0, reused: 0, faults: 0 };
const orders = { account: "foreigner", faults: [] };
const FAULTS = {
  429: (ctx) => { ctx.status = 429; ctx.set("Retry-After", "1"); ctx.body = { error: "slow_down" }; },
  500: (ctx) => { ctx.status = 500; ctx.body = { error: "server_error" }; },
  html: (ctx) => { ctx.status = 502; ctx.type = "html"; ctx.body = "<h1>Down for maintenance</h1>"; },
};

const provider = new Provider(issuer, {
  clients: clients.map((client) => ({
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_basic",
    ...client,
  })),
  scopes: ["openid", "email", "profile", "offline_access"],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: false,
  rotateRefreshToken: true,
  ttl: { AccessToken: 60, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600, IdToken: 86400 },
  features: { devInteractions: { enabled: false }, revocation: { enabled: true }, introspection: { enabled: true } },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, email: `${sub}@example.net`, email_verified: true, name: "Somebody Foreign" }),
  }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  renderError: (ctx, out) => { ctx.type = "json"; ctx.body = out; },
});

provider.on("grant.error", (ctx) => {
  if (ctx.oidc?.params?.grant_type === "refresh_token") seen.reused += 1;
});
provider.on("grant.success", (ctx) => {
  if (ctx.oidc.params.grant_type === "refresh_token") seen.refreshes += 1;
});

provider.use(async (ctx, next) => {
  if (ctx.path === "/seen") { ctx.body = seen; return; }
  if (ctx.path === "/order") {
    if (ctx.query.account) orders.account = ctx.query.account;
    if (ctx.query.faults) orders.faults = ctx.query.faults.split(",");
    ctx.body = orders;
    return;
  }
  if (ctx.path === "/token" && orders.faults.length > 0) {
    seen.faults += 1;
    FAULTS[orders.faults.shift()](ctx);
    return;
  }
  if (!ctx.path.startsWith("/interaction/")) {
    await next();
    if (ctx.path === "/token/revocation" && ctx.status === 200) seen.revocations += 1;
    return;
  }
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  if (prompt.name === "login") {
    await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: params.login_hint ?? orders.account } });
  } else {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    await provider.interactionFinished(ctx.req, ctx.res, { consent: { grantId: await grant.save() } });
  }
  ctx.respond = false;
});

provider.listen(port, "127.0.0.1", () => process.stdout.write("ready\n"));
