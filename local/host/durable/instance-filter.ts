import type { InstanceRow } from "./store.ts";

const DEFAULT_PAGE = 100;

/** Whether a row passes the filters of a query of the management API. */
export function matches(row: InstanceRow, query: URLSearchParams): boolean {
  const statuses = list(query.get("runtimeStatus"));
  const created = Date.parse(row.createdAt);
  return (
    (statuses.length === 0 || statuses.includes(row.runtimeStatus.toLowerCase())) &&
    created >= timeOr(query.get("createdTimeFrom"), Number.NEGATIVE_INFINITY) &&
    created <= timeOr(query.get("createdTimeTo"), Number.POSITIVE_INFINITY) &&
    row.instanceId.startsWith(query.get("instanceIdPrefix") ?? "")
  );
}

/** The rows of one page, in the order of their ids, and the token of the next page if there is one. */
export function findPage(
  rows: readonly InstanceRow[],
  query: URLSearchParams,
  token: string | undefined,
): { readonly page: readonly InstanceRow[]; readonly next?: string } {
  const size = Number(query.get("top")) || DEFAULT_PAGE;
  const after = token ? Buffer.from(token, "base64url").toString() : "";
  const found = rows.filter((row) => row.instanceId > after && matches(row, query));
  const page = found.slice(0, size);
  const last = page.at(-1);
  if (!last || found.length === page.length) return { page };
  return { page, next: Buffer.from(last.instanceId).toString("base64url") };
}

function list(value: string | null): string[] {
  return (value ?? "")
    .split(",")
    .map((item) => item.trim().toLowerCase())
    .filter(Boolean);
}

/** A time that cannot be read filters nothing. */
function timeOr(value: string | null, otherwise: number): number {
  const time = Date.parse(value ?? "");
  return Number.isNaN(time) ? otherwise : time;
}
