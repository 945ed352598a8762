/** Stands for the instance id in the URLs; the SDK puts the real one in its place. */
const ID_PLACEHOLDER = "INSTANCEID";

export interface ManagementUrls {
  /** Ends in /runtime/webhooks/durabletask. */
  readonly baseUrl: string;
  readonly systemKey: string;
  readonly hubName: string;
}

/**
 * The text a durableClient input gets. The SDK calls `rpcUrl` (with a trailing slash, no key). The other URLs carry the system key and are
 * only handed out by `createCheckStatusResponse` and the like: whoever has them can end or signal any instance.
 */
export function clientBinding(urls: ManagementUrls & { readonly rpcUrl: string }): string {
  const { baseUrl, systemKey, hubName, rpcUrl } = urls;
  const create = `${baseUrl}/orchestrators/{functionName}[/{instanceId}]`;
  const wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}";
  return JSON.stringify({
    taskHubName: hubName,
    connectionName: null,
    creationUrls: {
      createNewInstancePostUri: `${create}?code=${systemKey}`,
      createAndWaitOnNewInstancePostUri: `${create}?${wait}&code=${systemKey}`,
    },
    managementUrls: managementUrls(urls, ID_PLACEHOLDER),
    baseUrl,
    requiredQueryStringParameters: `code=${systemKey}`,
    rpcBaseUrl: rpcUrl,
  });
}

/** The URLs of one instance; they carry the system key. */
export function managementUrls(
  { baseUrl, systemKey, hubName }: ManagementUrls,
  instanceId: string,
): Record<string, string> {
  const instance = `${baseUrl}/instances/${instanceId}`;
  const common = `taskHub=${hubName}&connection=Storage&code=${systemKey}`;
  const withReason = (operation: string) => `${instance}/${operation}?reason={text}&${common}`;
  return {
    id: instanceId,
    statusQueryGetUri: `${instance}?${common}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${common}`,
    terminatePostUri: withReason("terminate"),
    rewindPostUri: withReason("rewind"),
    purgeHistoryDeleteUri: `${instance}?${common}`,
    restartPostUri: `${instance}/restart?${common}`,
    suspendPostUri: withReason("suspend"),
    resumePostUri: withReason("resume"),
  };
}
