import { z } from "zod";
import { idKey } from "../policy/resource-id.ts";
import type { SendToArm } from "./arm-http.ts";
import { ArmError, armErrorFrom, parseJson } from "./azure-error.ts";
import { isIdOf, type Kind, resourceUrl } from "./resource-kinds.ts";

/** A resource as it was read; that there is none; or that this service may not read it, and how Azure said so. */
export type Found<T> =
  | { readonly is: "there"; readonly value: T; readonly raw: unknown }
  | { readonly is: "missing" }
  | { readonly is: "hidden"; readonly error: ArmError };

/** Reads network resources, each once however often it is asked for. Throws where Azure gave no answer that says anything. */
export type ReadResource = <T>(kind: Kind<T>, id: string) => Promise<Found<T>>;

/** What lists have told already about a resource; nothing when they cannot tell. */
export type Listed = (kind: Kind<unknown>, id: string) => Found<unknown> | undefined;

/** Reads that last as long as one question: whatever changes in between is not seen. */
export function createReads(send: SendToArm, listed: Listed = () => undefined): ReadResource {
  const known = new Map<string, Promise<Found<unknown>>>();

  function readOnce(kind: Kind<unknown>, id: string): Promise<Found<unknown>> {
    const key = idKey(id);
    const reading = known.get(key) ?? readListed(kind, id);
    known.set(key, reading);
    return reading;
  }

  async function readListed(kind: Kind<unknown>, id: string): Promise<Found<unknown>> {
    return listed(kind, id) ?? (await readAlone(send, kind, id));
  }

  return async <T>(kind: Kind<T>, id: string): Promise<Found<T>> => {
    // NB. An id of another kind is none of ours to follow.
    const found: Found<unknown> = isIdOf(id, kind) ? await readOnce(kind, id) : { is: "missing" };
    return found.is === "there"
      ? { is: "there", raw: found.raw, value: parsed(found.raw, kind, id) }
      : found;
  };
}

async function readAlone(
  send: SendToArm,
  kind: Kind<unknown>,
  id: string,
): Promise<Found<unknown>> {
  const answer = await send({ method: "GET", url: resourceUrl(id, kind) });
  if (answer.status === 404) {
    return { is: "missing" };
  }
  if (answer.status !== 200) {
    const error = armErrorFrom(answer, `${id} cannot be read`);
    if (isWithheld(error)) {
      return { is: "hidden", error };
    }
    throw error;
  }
  const raw = parseJson(answer.text);
  return { is: "there", value: raw, raw };
}

/** NB. What another tenant has, such as the network at the other end of a peering, is withheld as much as what a role does not allow. */
const isWithheld = ({ status, code }: ArmError): boolean =>
  status === 403 || (status === 401 && code === "InvalidAuthenticationTokenTenant");

function parsed<T>(raw: unknown, { name, schema }: Kind<T>, id: string): T {
  const body = schema.safeParse(raw);
  if (!body.success) {
    throw new ArmError(`${id} is no ${name} as we know it: ${z.prettifyError(body.error)}`, {
      code: "InvalidAnswer",
    });
  }
  return body.data;
}

/** The value; nothing where there is none. Throws when it may not be read. */
export function valueIn<T>(found: Found<T>): T | undefined {
  if (found.is === "hidden") {
    throw found.error;
  }
  return found.is === "there" ? found.value : undefined;
}
