import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomUUID,
} from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { calculateJwkThumbprint, exportJWK, type JWK } from "jose";

/** The key that signs every token; `kid` is derived from the key, so the same key always has the same id. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** As published: kty, use, kid, n, e. Entra ID leaves `alg` out too. */
  readonly jwk: JWK;
}

/** Reads the key from `keyFile`, or makes one and keeps it there. Without a file the key lives as long as the process. */
export async function loadSigningKey(keyFile?: string): Promise<SigningKey> {
  const privateKey =
    keyFile === undefined ? await generate() : ((await read(keyFile)) ?? (await create(keyFile)));
  const publicKey = createPublicKey(privateKey);
  const { kty, n, e } = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(publicKey);
  return { kid, privateKey, publicKey, jwk: { kty, use: "sig", kid, n, e } as JWK };
}

async function generate(): Promise<KeyObject> {
  return (await promisify(generateKeyPair)("rsa", { modulusLength: 2048 })).privateKey;
}

async function read(keyFile: string): Promise<KeyObject | undefined> {
  try {
    return createPrivateKey(await readFile(keyFile));
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${keyFile} holds no private key. Delete it and start again.`, {
      cause: problem,
    });
  }
}

/** Of two processes that start at once the first one's key is kept, and both use it: `link` never replaces a file. */
async function create(keyFile: string): Promise<KeyObject> {
  const made = `${keyFile}.${randomUUID()}`;
  await mkdir(dirname(keyFile), { recursive: true });
  const pem = (await generate()).export({ type: "pkcs8", format: "pem" });
  await writeFile(made, pem, { mode: 0o600 });
  try {
    await link(made, keyFile);
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code !== "EEXIST") throw problem;
  } finally {
    await rm(made);
  }
  return createPrivateKey(await readFile(keyFile));
}
