import type { HttpMethod } from "@azure/functions";
import * as df from "durable-functions";

/**
 * Every route takes every method and answers in ARM's words itself: the host would answer a wrong method with an empty
 * 404. `anonymous` is the host's word for "no function key": callers prove who they are with an Entra ID token.
 */
export const everyMethod: { readonly authLevel: "anonymous"; readonly methods: HttpMethod[] } = {
  authLevel: "anonymous",
  methods: ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"],
};

/** Input of the functions that start or signal durable work. */
export const durableClient = df.input.durableClient();
