import { randomBytes } from "node:crypto";
import { ContainerClient } from "@azure/storage-blob";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createAnchorContainer } from "../../src/blobs/anchor-container.ts";
import { anchorKeeperContract } from "../contract/anchors.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";

describe("a container", () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite("blob");
  }, 30_000);
  afterAll(() => azurite?.stop());

  const access = () => ({
    connectionString: azurite.connectionString,
    container: `anchors-${randomBytes(6).toString("hex")}`,
  });

  anchorKeeperContract(() => createAnchorContainer(access(), "Jit"));

  const anchor = { sequence: 7, at: "2026-03-01T03:17:45.123Z", text: '{"at":"…"}' };

  it("holds each anchor as JSON under a name that tells number and time", async () => {
    const account = access();
    await createAnchorContainer(account, "Jit").put(anchor);

    const container = new ContainerClient(account.connectionString, account.container);
    const name = "Jit/0000000007-2026-03-01T03-17-45-123Z.json";
    const blob = await container.getBlobClient(name).download();
    expect(blob.contentType).toBe("application/json");
    expect((await container.getBlobClient(name).downloadToBuffer()).toString()).toBe(anchor.text);
  });

  it("keeps deployments apart, and passes by what is no anchor", async () => {
    const account = access();
    const [one, other] = ["Jit", "JitTest"].map((prefix) => createAnchorContainer(account, prefix));
    await one?.put(anchor);
    const container = new ContainerClient(account.connectionString, account.container);
    await container.getBlockBlobClient("Jit/readme.json").upload("{}", 2);

    expect(await one?.numbers()).toEqual(new Set([7]));
    expect(await other?.numbers()).toEqual(new Set());
  });

  it("takes an anchor once when two put it at the same moment", async () => {
    const account = access();
    const [one, other] = [
      createAnchorContainer(account, "Jit"),
      createAnchorContainer(account, "Jit"),
    ];
    await one.numbers();

    const put = await Promise.all([one.put(anchor), other.put(anchor)]);

    expect(put.toSorted()).toEqual([false, true]);
    expect(await one.newest()).toEqual(anchor);
  });
});
