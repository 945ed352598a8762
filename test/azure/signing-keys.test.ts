import { beforeAll, describe, expect, it } from "@jest/globals";
import { exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from "jose";
import { createSigningKeys, type FetchKeys, keyLimits } from "../../src/azure/signing-keys.ts";

const url = "https://login.microsoftonline.com/t/discovery/v2.0/keys";

type Key = Awaited<ReturnType<typeof generateKeyPair>>;
let key: Key;
let published: JWK;
const named = (...kids: string[]) => kids.map((kid) => ({ ...published, kid, use: "sig" }));

beforeAll(async () => {
  key = await generateKeyPair("RS256", { extractable: true });
  published = await exportJWK(key.publicKey);
});

/** Entra ID as far as keys go: what it answers can be changed, and the clock stands until it is moved. */
function aKeyServer() {
  let now = 0;
  const asked: Parameters<FetchKeys>[] = [];
  const server = {
    asked,
    answer: async (): Promise<Response> => Response.json({ keys: named("k1") }),
    wait: (ms: number) => {
      now += ms;
    },
  };
  const clock = { now: () => new Date(now), pause: async () => undefined };
  const keys = createSigningKeys(url, clock, (...call) => {
    asked.push(call);
    return server.answer();
  });
  /** Whether a token signed by that key is good, or the fault that kept us from telling. */
  async function isGood(kid: string): Promise<boolean | string> {
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: "RS256", kid })
      .sign(key.privateKey);
    return jwtVerify(token, keys).then(
      () => true,
      (error: Error) => (error.name === "KeysUnavailable" ? error.message : false),
    );
  }
  return Object.assign(server, { isGood });
}

const down = () => Promise.reject(new TypeError("fetch failed"));

describe("the keys of a tenant", () => {
  it("are fetched anew when a token names one that is not known, as after a roll-over", async () => {
    const server = aKeyServer();
    expect(await server.isGood("k1")).toBe(true);
    server.answer = async () => Response.json({ keys: named("k1", "k2") });
    server.wait(keyLimits.pause);

    expect(await server.isGood("k2")).toBe(true);
    expect(server.asked).toHaveLength(2);
  });

  it("are not fetched at will by whoever invents key ids", async () => {
    const server = aKeyServer();
    await server.isGood("k1");
    for (let index = 0; index < 50; index++) {
      server.wait(keyLimits.pause / 25);
      expect(await server.isGood(`invented-${index}`)).toBe(false);
    }

    // The first, and one for each pause in which somebody invented one.
    expect(server.asked).toHaveLength(3);
  });

  it("are not fetched at will either while they cannot be fetched", async () => {
    const server = aKeyServer();
    await server.isGood("k1");
    server.answer = down;
    server.wait(keyLimits.pause);
    for (let index = 0; index < 50; index++) {
      await server.isGood(`invented-${index}`);
    }
    expect(server.asked).toHaveLength(2);

    const never = aKeyServer();
    never.answer = down;
    for (let index = 0; index < 50; index++) {
      expect(await never.isGood("k1")).toContain("fetch failed");
    }
    expect(never.asked).toHaveLength(1);
    never.wait(keyLimits.pauseAfterFailure);
    never.answer = aKeyServer().answer;
    expect(await never.isGood("k1")).toBe(true);
  });

  it("that are taken back work no longer than ten minutes", async () => {
    const server = aKeyServer();
    await server.isGood("k1");
    server.answer = async () => Response.json({ keys: named("k2") });
    server.wait(keyLimits.refreshAfter - 1);
    expect(await server.isGood("k1")).toBe(true);
    server.wait(1);

    expect(await server.isGood("k1")).toBe(false);
    expect(await server.isGood("k2")).toBe(true);
    expect(keyLimits.refreshAfter).toBe(10 * 60_000);
  });

  it("go on working for an hour while Entra ID does not answer, and no longer", async () => {
    const server = aKeyServer();
    await server.isGood("k1");
    server.answer = down;
    server.wait(keyLimits.forgetAfter - 1);
    expect(await server.isGood("k1")).toBe(true);
    server.wait(keyLimits.pause);

    expect(await server.isGood("k1")).toContain("fetch failed");
  });

  it("are asked for once by all who need them at the same time", async () => {
    const server = aKeyServer();

    await Promise.all(Array.from({ length: 20 }, () => server.isGood("k1")));

    expect(server.asked).toHaveLength(1);
  });

  it("come from the authority's own answer, in time, or not at all", async () => {
    const server = aKeyServer();

    await server.isGood("k1");

    const [address, init] = server.asked[0] ?? [];
    expect(address).toBe(url);
    expect(init).toMatchObject({ redirect: "manual" });
    expect(init?.signal).toBeInstanceOf(AbortSignal);
  });

  const answers: [string, () => Response, string][] = [
    ["a redirect", () => new Response("", { status: 302, headers: { location: url } }), "302"],
    ["a fault", () => new Response("busy", { status: 503 }), "503"],
    ["no JSON", () => new Response("<html>"), "JSON"],
    ["no keys", () => Response.json({ keys: [] }), "keys"],
    ["far too many keys", () => Response.json({ keys: named(...Array(101).fill("k")) }), "keys"],
    [
      "far too much",
      () => Response.json({ keys: named("k1"), filler: "x".repeat(300_000) }),
      "larger",
    ],
  ];
  it.each(answers)("are not taken from an answer that is %s", async (_case, answer, says) => {
    const server = aKeyServer();
    server.answer = async () => answer();

    expect(await server.isGood("k1")).toContain(says);
  });
});
