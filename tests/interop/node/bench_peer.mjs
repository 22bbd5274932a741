// The peer N: npm oidc-provider in memory, client_credentials, an ES256 JWT access token.
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const port = Number(process.argv[2]);
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256", kid: "bench" };
const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: "bench",
    client_secret: "bench-secret-of-some-length-bench-secret",
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: "client_secret_post",
    id_token_signed_response_alg: "ES256",
  }],
  jwks: { keys: [key] },
  scopes: ["things:read"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "https://things.example/api",
      getResourceServerInfo: () => ({
        scope: "things:read",
        accessTokenFormat: "jwt",
        accessTokenTTL: 900,
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
});
provider.listen(port, "127.0.0.1", () => process.stdout.write("ready\n"));
