import { createPrivateKey, KeyObject, randomUUID, webcrypto, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What an https server on this machine needs, as PEM, and the file a client has to trust. */
export interface LocalCa {
  readonly caFile: string;
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

const DAY_IN_MS = 86_400_000;
/** Below the 398 days that browsers and macOS accept of a server certificate. */
const LIFETIME_IN_DAYS = 365;
const RENEW_DAYS_BEFORE_END = 7;
const CURVE = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/**
 * A certificate authority of this machine's own and its one server certificate, for localhost, 127.0.0.1 and ::1. Both are
 * kept in `dir` and used again until a week before they end, then made anew.
 *
 * NB. The authority's private key is thrown away once it has signed: whoever trusts `caFile` trusts that one certificate,
 * and nobody can issue another.
 */
export async function createLocalCa(
  dir: string,
  now: () => Date = () => new Date(),
): Promise<LocalCa> {
  const home = join(dir, "tls");
  const kept = await readUsable(home, now());
  if (kept !== undefined) return kept;

  const made = join(dir, `tls-${randomUUID()}`);
  await mkdir(made, { recursive: true, mode: 0o700 });
  try {
    await write(made, await issue(now()));
    return await install(made, home, now());
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

async function write(dir: string, pair: Omit<LocalCa, "caFile">): Promise<void> {
  await writeFile(join(dir, "ca.pem"), pair.ca);
  await writeFile(join(dir, "server.pem"), pair.cert);
  await writeFile(join(dir, "server.key.pem"), pair.key, { mode: 0o600 });
}

/** The folder moves in whole, so two processes that start at once never mix the files of two authorities: one wins, both use its files. */
async function install(made: string, home: string, now: Date): Promise<LocalCa> {
  try {
    await rename(made, home);
  } catch (problem) {
    const winner = await readUsable(home, now);
    if (winner !== undefined) return winner;
    if ((problem as NodeJS.ErrnoException).code === "ENOENT") throw problem;
    await rm(home, { recursive: true, force: true });
    await rename(made, home);
  }
  const installed = await readUsable(home, now);
  if (installed === undefined) throw new Error(`The certificate written to ${home} is not usable.`);
  return installed;
}

async function readUsable(home: string, now: Date): Promise<LocalCa | undefined> {
  const caFile = join(home, "ca.pem");
  try {
    const ca = await readFile(caFile, "utf8");
    const cert = await readFile(join(home, "server.pem"), "utf8");
    const key = await readFile(join(home, "server.key.pem"), "utf8");
    return isUsable(ca, cert, key, now) ? { caFile, ca, key, cert } : undefined;
  } catch {
    // Missing, half-written or damaged files all mean the same: make new ones.
    return undefined;
  }
}

function isUsable(ca: string, cert: string, key: string, now: Date): boolean {
  const authority = new X509Certificate(ca);
  const server = new X509Certificate(cert);
  const needed = now.getTime() + RENEW_DAYS_BEFORE_END * DAY_IN_MS;
  return (
    server.verify(authority.publicKey) &&
    server.checkPrivateKey(createPrivateKey(key)) &&
    [authority, server].every(
      (each) => each.validFromDate <= now && each.validToDate.getTime() > needed,
    )
  );
}

async function issue(now: Date): Promise<Omit<LocalCa, "caFile">> {
  const x509 = await loadX509();
  const dates = {
    notBefore: new Date(now.getTime() - DAY_IN_MS),
    notAfter: new Date(now.getTime() + LIFETIME_IN_DAYS * DAY_IN_MS),
  };
  const authorityKeys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const authorityName = `CN=JIT Access local CA ${randomUUID().slice(0, 8)}`;
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates,
    name: authorityName,
    keys: authorityKeys,
    signingAlgorithm: CURVE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  });

  const serverKeys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const server = await x509.X509CertificateGenerator.create({
    ...dates,
    subject: "CN=localhost",
    issuer: authorityName,
    publicKey: serverKeys.publicKey,
    signingKey: authorityKeys.privateKey,
    signingAlgorithm: CURVE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
        { type: "ip", value: "::1" },
      ]),
      await x509.SubjectKeyIdentifierExtension.create(serverKeys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  });
  return {
    ca: authority.toString("pem"),
    cert: server.toString("pem"),
    key: KeyObject.from(serverKeys.privateKey).export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** Loaded only when a certificate is made: it costs about 200 ms, which every other start saves. */
async function loadX509(): Promise<typeof import("@peculiar/x509")> {
  provideReflectMetadata();
  return await import("@peculiar/x509");
}

/** The three functions of the metadata proposal that tsyringe, below @peculiar/x509, asks for when it is loaded. */
function provideReflectMetadata(): void {
  if ("getMetadata" in Reflect) return;
  const kept = new WeakMap<object, Map<unknown, unknown>>();
  const get = (name: unknown, target: object): unknown => kept.get(target)?.get(name);
  const define = (name: unknown, value: unknown, target: object): void => {
    kept.set(target, (kept.get(target) ?? new Map()).set(name, value));
  };
  Object.assign(Reflect, { getMetadata: get, getOwnMetadata: get, defineMetadata: define });
}
