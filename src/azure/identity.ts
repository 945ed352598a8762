import type { TokenCredential } from "@azure/core-auth";
import { ManagedIdentityCredential } from "@azure/identity";

/** The service's own identity: the system-assigned managed identity, or the user-assigned one with that client id. */
export function createServiceCredential(clientId?: string): TokenCredential {
  return clientId === undefined
    ? new ManagedIdentityCredential()
    : new ManagedIdentityCredential({ clientId });
}
