import type { CloudRequest } from "../router.ts";
import { etagMismatch } from "./write-refusals.ts";

/**
 * Throws 412 unless If-Match is absent, names the present etag, or is `*` and there is a resource. Azure honours it on
 * the whole NSG though its contract does not say so (kubernetes relies on it).
 */
export function checkIfMatch(
  request: CloudRequest,
  present: { readonly etag: string } | undefined,
  id: string,
): void {
  const wanted = request.headers["if-match"];
  if (wanted === undefined || (wanted === "*" && present !== undefined)) return;
  if (present !== undefined && wanted === present.etag) return;
  throw etagMismatch(wanted, present?.etag ?? "", id);
}
