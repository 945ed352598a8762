import { z } from "zod";
import type { AccessRequest } from "../access/request.ts";
import { factOutcomes, operations, operationsNamed } from "../activity/operations.ts";
import { earliestFactOf } from "../activity/query.ts";
import type { FactFilter, FactSpan } from "../activity/store.ts";
import type { Caller } from "../caller/caller.ts";
import { guidPattern, idKey, parseVirtualMachineId } from "../policy/resource-id.ts";
import type { Clock, RequestStore } from "../ports.ts";
import { type Outcome, ok, refused } from "../reasons.ts";
import { preferredType } from "./accept.ts";
import { listQuery, listTime } from "./list-query.ts";
import { readQueryAs } from "./query-parameters.ts";
import type { Call } from "./route.ts";

/** How many facts a page holds. */
const pageSizes = { usual: 100, largest: 1_000 } as const;

/** In which form the facts are told. */
export type ActivityFormat = "json" | "csv" | "ndjson";

const formats = {
  "application/json": "json",
  "text/csv": "csv",
  "application/x-ndjson": "ndjson",
} as const satisfies Record<string, ActivityFormat>;

const expectedRequestor = "expected 'me' or the object id of a person or application";
const expectedWindow = "expected the id of a window, such as {request id}-0-22";
const windowPattern = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}-\d{1,4}-\d{1,5}$/i;

const queryShape = listQuery(
  {
    vm: z
      .string()
      .refine((id) => parseVirtualMachineId(id) !== undefined, "expected a VM's resource id")
      .optional(),
    subscriptionId: z.guid("expected a subscription id").optional(),
    resourceGroup: z
      .string()
      .regex(/^[-\w.()]{1,90}$/, "expected the name of a resource group")
      .optional(),
    requestor: z.union([z.literal("me"), z.guid(expectedRequestor)], expectedRequestor).optional(),
    requestId: z.string().regex(guidPattern, "expected a request's id").optional(),
    windowId: z.string().regex(windowPattern, expectedWindow).optional(),
    operation: words(
      operationsNamed,
      `expected some of ${operations.join(", ")}, or all of a kind as access.*, parted by commas`,
    ),
    outcome: words(
      (word) => factOutcomes.filter((one) => one === word),
      `expected some of ${factOutcomes.join(", ")}, parted by commas`,
    ),
    text: z
      .string()
      .regex(/^.{3,100}$/su, "expected 3 to 100 characters to look for")
      .optional(),
    format: z.enum(["json", "csv", "ndjson"], "expected json, csv or ndjson").optional(),
  },
  pageSizes.largest,
);
type Query = z.infer<typeof queryShape>;

/** What a call asks of the activity. */
export interface AskedActivity extends FactSpan {
  readonly top: number;
  readonly continuation?: string | undefined;
  readonly format: ActivityFormat;
  /** The request that is named, where there is such a one. */
  readonly request?: AccessRequest | undefined;
  readonly named: Pick<
    Query,
    "vm" | "subscriptionId" | "resourceGroup" | "requestor" | "requestId"
  >;
}

/** Whether the parameter `requestor` names the caller. */
export function isCaller(requestor: string | undefined, { objectId }: Caller): boolean {
  return requestor === "me" || requestor?.toLowerCase() === objectId.toLowerCase();
}

/** A list of words, each of which stands for one value or some. */
function words<T>(of: (word: string) => readonly T[], expected: string) {
  return z
    .string()
    .max(1_000, expected)
    .transform((text, context) => {
      const found = text.split(",").map((word) => of(word.trim()));
      if (found.some((some) => some.length === 0)) {
        context.addIssue({ code: "custom", message: expected, input: text });
      }
      return [...new Set(found.flat())];
    })
    .optional();
}

/** What the call asks for, or every parameter that is not understood. */
export async function readActivityQuery(
  ports: { readonly clock: Clock; readonly requests: RequestStore },
  call: Call,
): Promise<Outcome<AskedActivity>> {
  const read = readQueryAs(queryShape, call.url);
  if (read.outcome === "refused") {
    return read;
  }
  const query = read.value;
  const format = query.format ?? formats[preferredType(call.header("accept"), typesOffered)];
  const fault = faultOf(query, format);
  if (fault !== undefined) {
    return refused({ code: "InvalidQuery", ...fault });
  }
  const requestId = query.requestId ?? query.windowId?.slice(0, 36);
  const request =
    requestId === undefined ? undefined : await ports.requests.get(requestId.toLowerCase());
  const time = listTime(query, ports.clock.now(), beginOf(requestId, request));
  if (time.outcome === "refused") {
    return time;
  }
  const { $skiptoken: continuation, top = pageSizes.usual, ...named } = query;
  const asked = spanOf({ ...query, requestId }, call);
  return ok({ ...asked, ...time.value, top, continuation, format, request, named });
}

const typesOffered = ["application/json", "text/csv", "application/x-ndjson"] as const;

function faultOf(
  query: Query,
  format: ActivityFormat,
): { readonly message: string; readonly target: string } | undefined {
  const { vm, subscriptionId, requestor, requestId, windowId } = query;
  if ([vm, subscriptionId, requestor, requestId, windowId].every((one) => one === undefined)) {
    const message =
      "Name at least one of vm (a virtual machine's resource id), subscriptionId, requestor ('me' or an object id), requestId and windowId.";
    return { message, target: "vm" };
  }
  const ofPages = (["top", "$skiptoken"] as const).find((name) => query[name] !== undefined);
  return format === "json" || ofPages === undefined
    ? undefined
    : {
        message: `'${ofPages}' is for pages of JSON; as ${format} everything from 'from' to 'to' comes at once. Leave it out.`,
        target: ofPages,
      };
}

/** Of a request everything is meant, unless a time is named. */
function beginOf(
  requestId: string | undefined,
  request: AccessRequest | undefined,
): Date | undefined {
  if (requestId === undefined) {
    return undefined;
  }
  return request === undefined ? new Date(0) : earliestFactOf(request);
}

/**
 * The narrowest history that holds what is asked for, and what else has to hold. NB. Of oneself always one's own: whoever may not read a
 * machine is not led through its history.
 */
function spanOf(query: Query, { caller }: Call): Pick<FactSpan, "of" | "where"> {
  const { vm, subscriptionId, resourceGroup, requestId, windowId } = query;
  const person = query.requestor === "me" ? caller.objectId : query.requestor;
  const where: FactFilter = {
    operations: query.operation,
    outcomes: query.outcome,
    vmId: vm,
    subscriptionId,
    resourceGroup,
    person,
    requestId,
    windowId,
    text: query.text,
  };
  if (requestId !== undefined) {
    return {
      of: { requestId: requestId.toLowerCase() },
      where: { ...where, requestId: undefined },
    };
  }
  if (vm !== undefined && !isCaller(query.requestor, caller)) {
    return { of: { vmId: idKey(vm) }, where: { ...where, vmId: undefined } };
  }
  if (person !== undefined) {
    const { tenantId } = caller;
    return {
      of: { person: { tenantId, objectId: person } },
      where: { ...where, person: undefined },
    };
  }
  return {
    of: { subscriptionId: subscriptionId ?? "" },
    where: { ...where, subscriptionId: undefined },
  };
}
