import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, get } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { createLocalCa, type LocalCa } from "../../local/tls.ts";

const START = new Date("2026-03-01T12:00:00Z");
const daysLater = (days: number): Date => new Date(START.getTime() + days * 86_400_000);

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "jit-tls-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("the https certificate of this machine", () => {
  it.each(["localhost", "127.0.0.1"])(
    "is accepted for %s by a client that trusts the local authority",
    async (host) => {
      expect(await ask(host, await createLocalCa(dir), true)).toBe("hello");
    },
  );

  // Node 22.23 itself cannot check any IPv6 literal against a certificate, so no https client of Node's is asked here.
  it("also names the IPv6 loopback address", async () => {
    expect(new X509Certificate((await createLocalCa(dir)).cert).checkIP("::1")).toBe("::1");
  });

  it("is refused by a client that does not trust the local authority", async () => {
    await expect(ask("localhost", await createLocalCa(dir), false)).rejects.toMatchObject({
      code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    });
  });

  it("is an end certificate for servers, issued by an authority that can issue nothing below it", async () => {
    const { ca, cert } = await createLocalCa(dir);
    const authority = new X509Certificate(ca);
    const server = new X509Certificate(cert);
    expect(authority.ca).toBe(true);
    expect(server.ca).toBe(false);
    expect(server.checkIssued(authority)).toBe(true);
    expect(server.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(server.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  });

  it("keeps its private key readable for the owner only, and the authority's key nowhere", async () => {
    const { caFile, key } = await createLocalCa(dir);
    expect((await stat(join(dirname(caFile), "server.key.pem"))).mode & 0o777).toBe(0o600);
    expect(await readdir(dirname(caFile))).toEqual(["ca.pem", "server.key.pem", "server.pem"]);
    expect(await readFile(join(dirname(caFile), "server.key.pem"), "utf8")).toBe(key);
  });
});

describe("starting again", () => {
  it.each([
    { case: "the same day", days: 0, same: true },
    { case: "more than a week before the certificate ends", days: 357, same: true },
    { case: "in the certificate's last week", days: 359, same: false },
    { case: "long after the certificate ended", days: 900, same: false },
  ])("$case: the certificate is kept: $same", async ({ days, same }) => {
    const first = await createLocalCa(dir, () => START);
    const second = await createLocalCa(dir, () => daysLater(days));
    expect(second.cert === first.cert).toBe(same);
    expect(new X509Certificate(second.cert).validToDate > daysLater(days)).toBe(true);
    expect(await readFile(second.caFile, "utf8")).toBe(second.ca);
  });

  it("replaces a damaged certificate and one whose key is another's", async () => {
    const first = await createLocalCa(dir);
    await writeFile(join(dirname(first.caFile), "server.pem"), "not a certificate");
    const second = await createLocalCa(dir);
    expect(await ask("localhost", second, true)).toBe("hello");

    await writeFile(join(dirname(first.caFile), "server.key.pem"), first.key);
    expect(await ask("localhost", await createLocalCa(dir), true)).toBe("hello");
  });

  it("gives starts at the same moment the same certificate and leaves nothing else behind", async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => createLocalCa(dir)));
    expect(new Set(all.map(({ cert, key, ca }) => cert + key + ca)).size).toBe(1);
    expect(await readdir(dir)).toEqual(["tls"]);
  });
});

async function ask(host: string, { ca, cert, key }: LocalCa, trusting: boolean): Promise<string> {
  const server = createServer({ cert, key }, (_request, response) => response.end("hello"));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise<string>((answered, failed) => {
      get({ host, port, agent: false, family: 4, ...(trusting && { ca }) }, (response) =>
        response.setEncoding("utf8").once("data", answered),
      ).once("error", failed);
    });
  } finally {
    server.close();
  }
}
