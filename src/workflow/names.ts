/** Names under which durable work is registered and called. NB. Live instances carry them: never rename one. */
export const names = {
  accessRequest: "accessRequest",
  accessWindow: "accessWindow",
  openWindows: "openWindows",
  lookAfterWindows: "lookAfterWindows",
  followPolicy: "followPolicy",
  protectPolicy: "protectPolicy",
  /** Event: somebody wants windows of this VM to end now; which, is in storage. */
  endNow: "EndNow",
} as const;

/** Instance id of a request's orchestration. */
export const requestInstance = (requestId: string): string => requestId;

/** Instance id of what sees the change of a policy through; `changeId` is that of the call. */
export const changeInstance = (changeId: string): string => `policy-${changeId}`;

/** Instance id of the child that looks after one VM of a request. */
export const vmInstance = (requestId: string, vmIndex: number): string => `${requestId}-${vmIndex}`;
