import { z } from "zod";
import type { SendToArm } from "./arm-http.ts";
import { ArmError, armErrorFrom, parseJson } from "./azure-error.ts";

/** Reads a list to its end, page by page; throws when any page cannot be read: half a list would pass for a whole one. */
export type ListFromArm = <T>(
  url: string,
  item: z.ZodType<T>,
  what: string,
) => Promise<readonly T[]>;

/**
 * Lists of Azure Resource Manager as they are on the wire. `endpoint` is where `send` sends to.
 *
 * NB. The address of the next page is data: followed anywhere else, it would hand our token to whoever wrote it. The SDK's
 * own paging follows it wherever it leads, and waits for further pages without end.
 */
export function createArmList(send: SendToArm, endpoint: string): ListFromArm {
  return async <T>(first: string, item: z.ZodType<T>, what: string) => {
    const items: T[] = [];
    const seen = new Set<string>();
    let url = new URL(first, endpoint);
    while (!seen.has(url.href)) {
      seen.add(url.href);
      const { value, nextLink } = await readPage(send, url.href, item, what);
      // Not spread into `push`: a page may be longer than a call has room for arguments.
      value.forEach((one) => void items.push(one));
      if (!nextLink) {
        return items;
      }
      url = nextPage(nextLink, url, what);
    }
    throw listError(what, "its pages lead in a circle.");
  };
}

async function readPage<T>(
  send: SendToArm,
  url: string,
  item: z.ZodType<T>,
  what: string,
): Promise<{ readonly value: readonly T[]; readonly nextLink?: string | null | undefined }> {
  const answer = await send({ method: "GET", url });
  if (answer.status !== 200) {
    throw armErrorFrom(answer, `${what} cannot be listed`);
  }
  const schema = z.object({ value: z.array(item), nextLink: z.string().nullish() });
  const page = schema.safeParse(parseJson(answer.text));
  if (!page.success) {
    throw listError(what, `a page is no list as we know it: ${z.prettifyError(page.error)}`);
  }
  return page.data;
}

function nextPage(link: string, here: URL, what: string): URL {
  const next = URL.canParse(link, here.href) ? new URL(link, here) : undefined;
  if (next?.origin !== here.origin) {
    throw listError(what, `its next page would be elsewhere: '${link.slice(0, 100)}'.`);
  }
  return next;
}

function listError(what: string, why: string): ArmError {
  return new ArmError(`${what} cannot be listed: ${why}`, { code: "InvalidList" });
}
