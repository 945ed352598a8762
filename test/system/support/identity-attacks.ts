import type { Arena, Attack } from "./arena.ts";

const later = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;
const otherTenant = "99999999-84b7-4f0e-b3c5-2e6a9d71f840";

const tokens: Record<string, (arena: Arena) => Promise<string> | string> = {
  "alg none": (arena) => arena.forger.unsigned(),
  "HS256 with the public key for a secret": (arena) => arena.forger.hmac(),
  "a key id that nobody knows": (arena) => arena.forger.genuine({}, { kid: "unknown" }),
  "no key id": (arena) => arena.forger.genuine({}, { kid: "" }),
  "a stranger's signature under the tenant's key id": (arena) => arena.forger.strangers(),
  "a foreign tenant, signed as its own": (arena) =>
    arena.user.token("olivia", `tenant=${otherTenant}`),
  "a foreign tenant in 'tid' alone": (arena) => arena.forger.genuine({ tid: otherTenant }),
  "a foreign issuer": (arena) =>
    arena.forger.genuine({ iss: `https://sts.windows.net/${otherTenant}/` }),
  "another audience": (arena) => arena.user.token("olivia", "audience=api://other"),
  "no audience": (arena) => arena.forger.genuine({ aud: undefined }),
  "an end that has passed": (arena) => arena.user.token("olivia", "expiresInSeconds=-3600"),
  "no end": (arena) => arena.forger.genuine({ exp: undefined }),
  "a beginning that is to come": (arena) =>
    arena.forger.genuine({ nbf: later(3_600), exp: later(7_200) }),
  "no tenant": (arena) => arena.forger.genuine({ tid: undefined }),
  "no object id": (arena) => arena.forger.genuine({ oid: undefined }),
  "an object id that is a filter": (arena) => arena.forger.genuine({ oid: "x') or assignedTo('y" }),
  "no version": (arena) => arena.forger.genuine({ ver: undefined }),
  "neither scope nor role, as an ID token": (arena) => arena.forger.genuine({ scp: undefined }),
  "claims exchanged after signing": (arena) => arena.forger.tampered({ oid: otherTenant }),
  "a key server of its own ('jku')": (arena) =>
    arena.forger.strangers({ kid: "evil", jku: arena.evilKeys }),
  "a certificate of its own ('x5u')": (arena) =>
    arena.forger.strangers({ kid: "evil", x5u: arena.evilKeys }),
  "a key of its own ('jwk')": (arena) =>
    arena.forger.strangers({ kid: "evil", jwk: arena.forger.strangersJwk, jku: arena.evilKeys }),
  "an extension that has to be understood": (arena) =>
    arena.forger.genuine({}, { crit: ["urn:evil"], "urn:evil": true }),
  "four parts": () => "a.b.c.d",
};

const clouds = [
  "https://management.azure.com",
  "https://management.core.windows.net/",
  "https://management.usgovcloudapi.net/",
  "https://management.core.chinacloudapi.cn",
];

const principal = (arena: Arena) =>
  Buffer.from(
    JSON.stringify({
      auth_typ: "aad",
      claims: [
        { typ: "oid", val: "dbc4842e-9c24-5a1a-9a16-050442db0b7a" },
        { typ: "tid", val: arena.system.endpoints.tenantId },
      ],
    }),
  ).toString("base64");
const easyAuth = (arena: Arena) => ({
  "x-ms-client-principal": principal(arena),
  "x-ms-client-principal-idp": "aad",
  "x-ms-client-principal-id": "dbc4842e-9c24-5a1a-9a16-050442db0b7a",
  "sec-fetch-site": "same-origin",
});

/** Calls without an identity that is to be believed. */
export const identityAttacks: readonly Attack[] = [
  ...Object.entries(tokens).map(([name, token]) => ({
    case: `a token with ${name}`,
    status: 401,
    code: "AuthenticationFailed",
    call: async (arena: Arena) => arena.withToken(await token(arena)),
  })),
  ...clouds.map((cloud) => ({
    case: `a token for ${cloud}, with the hint which audience to ask for`,
    status: 401,
    code: "AuthenticationFailed",
    says: "Ask for one whose audience is 'c2cab117-",
    call: async (arena: Arena) => arena.withToken(await arena.forger.genuine({ aud: cloud })),
  })),
  {
    case: "the headers of EasyAuth while it is off",
    status: 401,
    code: "AuthenticationFailed",
    call: (arena: Arena) =>
      arena.client.call({ method: "DELETE", path: arena.strict(), headers: easyAuth(arena) }),
  },
  {
    case: "the headers of EasyAuth beside a bad token",
    status: 401,
    code: "AuthenticationFailed",
    call: (arena: Arena) => arena.withToken("abc", easyAuth(arena)),
  },
  {
    case: "a good token in the address",
    status: 401,
    code: "AuthenticationFailed",
    call: async (arena: Arena) =>
      arena.client.call({
        path: `${arena.strict()}&access_token=${await arena.user.token("olivia")}`,
      }),
  },
];
