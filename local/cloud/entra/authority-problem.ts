import { randomUUID } from "node:crypto";
import type { CloudResponse } from "../router.ts";

/** Entra ID's own error shape, which is OAuth's and not ARM's; the number is the one after `AADSTS`. */
export function authorityProblem(
  status: number,
  error: string,
  number: number,
  message: string,
): CloudResponse {
  const time = new Date().toISOString();
  return {
    status,
    body: {
      error,
      error_description: `AADSTS${number}: ${message}`,
      error_codes: [number],
      timestamp: `${time.slice(0, 10)} ${time.slice(11, 19)}Z`,
      trace_id: randomUUID(),
      correlation_id: randomUUID(),
    },
  };
}
