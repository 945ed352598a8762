import type { TokenCredential } from "@azure/core-auth";

/** A credential that has one token, good for an hour, and notes the scopes asked for. */
export function createStaticCredential(
  token: string,
): TokenCredential & { readonly scopes: string[] } {
  const scopes: string[] = [];
  return {
    scopes,
    async getToken(scope) {
      scopes.push(...[scope].flat());
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
}
