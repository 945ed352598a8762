import { createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  base64url,
  calculateJwkThumbprint,
  decodeJwt,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importPKCS8,
  importSPKI,
  type JWTHeaderParameters,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import type { RunningSystem } from "../../support/running-system.ts";
import type { User } from "../user.ts";

type Claims = Readonly<Record<string, unknown>>;

/** Forges tokens of a person of the running system: good ones but for what is named. Has the tenant's key, which attackers do not. */
export async function createForger(system: RunningSystem, user: User, person: string) {
  const pem = await readFile(join(system.dir, "data/cloud-key.pem"), "utf8");
  const key = await importPKCS8(pem, "RS256");
  const publicPem = createPublicKey(pem).export({ type: "spki", format: "pem" }).toString();
  const publicKey = await importSPKI(publicPem, "RS256", { extractable: true });
  const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
  const strangers = await generateKeyPair("RS256", { extractable: true });
  const good = decodeJwt(await user.token(person));

  const sign = (claims: Claims, header: Partial<JWTHeaderParameters>, by: typeof key) =>
    new SignJWT(JSON.parse(JSON.stringify({ ...good, ...claims })))
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid, ...header })
      .sign(by, { crit: { "urn:evil": true } });

  return {
    /** Signed by the tenant. `undefined` leaves a claim out. */
    genuine: (claims: Claims, header: Partial<JWTHeaderParameters> = {}) =>
      sign(claims, header, key),
    /** Signed by somebody else's key. */
    strangers: async (header: Partial<JWTHeaderParameters> = {}) =>
      sign({}, header, strangers.privateKey),
    strangersJwk: await exportJWK(strangers.publicKey),
    unsigned: () => new UnsecuredJWT(good).encode(),
    /** The public key taken for a shared secret. */
    hmac: async () =>
      new SignJWT(good)
        .setProtectedHeader({ alg: "HS256", kid })
        .sign(new TextEncoder().encode(await exportSPKI(publicKey))),
    /** Signed, and then made somebody else's. */
    tampered: async (claims: Claims) => {
      const [header, , signature] = (await sign({}, {}, key)).split(".");
      return `${header}.${base64url.encode(JSON.stringify({ ...good, ...claims }))}.${signature}`;
    },
  };
}
