import type { HttpRequest } from "@azure/functions";
import { z } from "zod";
import type { Claimed } from "../activity/fact.ts";
import { guidPattern } from "../policy/resource-id.ts";
import { claimedByEasyAuth, type EasyAuth } from "./easy-auth.ts";

/** In characters; longer headers are not looked at. */
const longestToken = 16 * 1_024;

const claims = z.looseObject({ tid: z.unknown(), oid: z.unknown() });

/**
 * Whom a token or a sign-in names that was not accepted, so that people can be helped and attacks be told apart; nothing where it
 * names nobody. NB. Read without any proof: anybody can write anybody's ids there. Only ids are taken, whatever else stands in it.
 */
export function claimedBy(
  { headers }: Pick<HttpRequest, "headers">,
  easyAuth: EasyAuth | undefined,
): Claimed | undefined {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    return claimedByToken(authorization);
  }
  return easyAuth === undefined ? undefined : named(...claimedByEasyAuth(headers));
}

function claimedByToken(authorization: string): Claimed | undefined {
  const [, body] = /^Bearer +[\w-]+\.([\w-]+)\.[\w-]*$/i.exec(authorization) ?? [];
  if (body === undefined || authorization.length > longestToken) {
    return undefined;
  }
  try {
    const text = Buffer.from(body, "base64url").toString("utf8");
    const { tid, oid } = claims.parse(JSON.parse(text));
    return named(tid, oid);
  } catch {
    return undefined;
  }
}

/** Those of both that are ids. */
function named(tid: unknown, oid: unknown): Claimed | undefined {
  const [tenantId, objectId] = [idOf(tid), idOf(oid)];
  return tenantId === undefined && objectId === undefined
    ? undefined
    : {
        ...(tenantId === undefined ? {} : { tenantId }),
        ...(objectId === undefined ? {} : { objectId }),
      };
}

function idOf(value: unknown): string | undefined {
  return typeof value === "string" && guidPattern.test(value) ? value.toLowerCase() : undefined;
}
