import type { TokenCredential } from "@azure/core-auth";
import { RestError } from "@azure/core-rest-pipeline";
import { ContainerClient, type StoragePipelineOptions } from "@azure/storage-blob";
import type { AnchorKeeper, KeptAnchor } from "../activity/anchor.ts";

/** The container: by secret, for local use, or by identity. */
export type ContainerAccess =
  | { readonly connectionString: string; readonly container: string }
  | { readonly url: string; readonly credential: TokenCredential };

/** Digits of a number in a name: names sort as the anchors follow each other. */
const digits = 10;

/**
 * Anchors as blobs, one each, of which none is ever written twice: with an immutability policy on the container nobody can change or
 * delete them, the owner of the table included. `prefix` keeps deployments in one container apart.
 */
export function createAnchorContainer(access: ContainerAccess, prefix: string): AnchorKeeper {
  const client = open(access);
  let ready: Promise<unknown> | undefined;

  /** NB. A container by identity has to be there: one that this app made would have no policy. */
  async function container(): Promise<ContainerClient> {
    if ("connectionString" in access) {
      ready ??= client.createIfNotExists().catch((error) => {
        ready = undefined;
        throw error;
      });
      await ready;
    }
    return client;
  }

  /** The names as they sort. */
  async function names(start = ""): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const { name } of (await container()).listBlobsFlat({
      prefix: `${prefix}/${start}`,
    })) {
      if (anchorName.test(name.slice(prefix.length + 1))) {
        found.push(name);
      }
    }
    return found.sort();
  }

  async function read(name: string): Promise<KeptAnchor> {
    const text = await (await container()).getBlobClient(name).downloadToBuffer();
    return { ...partsOf(name), text: text.toString("utf8") };
  }

  return {
    async put(anchor) {
      const number = numberText(anchor.sequence);
      if ((await names(`${number}-`)).length > 0) {
        return false;
      }
      const name = `${prefix}/${number}-${anchor.at.replace(/[:.]/g, "-")}.json`;
      return create(await container(), name, anchor.text);
    },

    async newest() {
      const last = (await names()).at(-1);
      return last === undefined ? undefined : read(last);
    },

    async numbers() {
      return new Set((await names()).map((name) => partsOf(name).sequence));
    },

    async *since(moment) {
      const all = await names();
      const first = all.findIndex((name) => partsOf(name).at >= moment.toISOString());
      for (const name of all.slice(first < 0 ? -1 : Math.max(0, first - 1))) {
        yield await read(name);
      }
    },
  };
}

const anchorName = /^(\d{10})-(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d)-(\d{3}Z)\.json$/;

function numberText(sequence: number): string {
  return String(sequence).padStart(digits, "0");
}

function partsOf(name: string): { readonly sequence: number; readonly at: string } {
  const [, number, hour, minute, second, rest] =
    anchorName.exec(name.split("/").at(-1) ?? "") ?? [];
  return { sequence: Number(number), at: `${hour}:${minute}:${second}.${rest}` };
}

/** False where a blob of that name is there: Azure says 409, with or without a policy. */
async function create(container: ContainerClient, name: string, text: string): Promise<boolean> {
  const body = Buffer.from(text);
  try {
    await container.getBlockBlobClient(name).upload(body, body.length, {
      conditions: { ifNoneMatch: "*" },
      blobHTTPHeaders: { blobContentType: "application/json" },
    });
    return true;
  } catch (error) {
    if (error instanceof RestError && error.statusCode === 409) {
      return false;
    }
    throw error;
  }
}

function open(access: ContainerAccess): ContainerClient {
  const options: StoragePipelineOptions = {
    retryOptions: { maxTries: 4, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
  };
  return "connectionString" in access
    ? new ContainerClient(access.connectionString, access.container, options)
    : new ContainerClient(access.url, access.credential, options);
}
