import { AsyncLocalStorage } from "node:async_hooks";

/**
 * The event catalogue: one function per event, with a dotted id, structured fields and one sentence. The log is for the
 * operator and may be sampled; the audit is `activity`. NB. No tokens, no bodies, no justifications here.
 */
export type LogLevel = "information" | "warning" | "error";

/** Takes one finished line. */
export type LogSink = (level: LogLevel, line: string) => void;

/** The app's way to the operator's log: the Functions host collects the console. */
export const toConsole: LogSink = (level, line) => {
  const write = { information: console.info, warning: console.warn, error: console.error }[level];
  write(line);
};

/** What every line says that is written while one piece of work goes on, however deep inside. */
export interface LogContext {
  /** Of an HTTP call: the id that its answer has as `x-ms-request-id`. */
  readonly requestId?: string | undefined;
  /** Of an HTTP call: the id that the caller sent to find several together. */
  readonly correlationId?: string | undefined;
  /** Of a timer or an activity: its name, and an id of this run of it. */
  readonly run?: string | undefined;
  readonly runId?: string | undefined;
  /** The access request that the work is for. */
  readonly accessRequestId?: string | undefined;
}

const contexts = new AsyncLocalStorage<LogContext>();

/**
 * Does a piece of work; every line it logs says what `context` says, and what a context around it says. NB. Work that several share, such as the
 * settling of a gate, speaks in the context of whoever began it.
 */
export function inLogContext<T>(context: LogContext, work: () => T): T {
  return contexts.run({ ...contexts.getStore(), ...context }, work);
}

export type Log = ReturnType<typeof createLog>;

/** Builds the catalogue over a sink. `now` is the time that lines tell. */
export function createLog(sink: LogSink, now: () => Date = () => new Date()) {
  const write = (
    level: LogLevel,
    event: string,
    sentence: string,
    fields: Readonly<Record<string, unknown>>,
  ) => {
    const time = now().toISOString();
    sink(level, JSON.stringify({ time, event, sentence, ...contexts.getStore(), ...fields }));
  };
  return {
    requestAnswered: (fields: {
      requestId: string;
      method: string;
      route: string;
      status: number;
      durationMs: number;
    }) =>
      write(
        fields.status >= 500 ? "error" : "information",
        "http.answered",
        `${fields.method} ${fields.route} was answered ${fields.status}.`,
        fields,
      ),
    unforeseen: (fields: { requestId: string; error: unknown }) =>
      write("error", "http.unforeseen", "A request met an unforeseen fault.", {
        requestId: fields.requestId,
        ...faultFields(fields.error),
      }),
    callsThrottled: (
      who:
        | { readonly tenantId: string; readonly objectId: string }
        | { readonly address: string | undefined },
    ) =>
      write(
        "warning",
        "http.throttled",
        "A caller or an address makes more calls than it may; those that are too many are answered 429.",
        who,
      ),
    easyAuthIgnored: () =>
      write(
        "warning",
        "app.easyAuthIgnored",
        "EASY_AUTH is on, but the platform does not say that App Service Authentication is: its headers are ignored.",
        {},
      ),
    factsUnfinished: (fields: { count: number; chain?: string; error: unknown }) =>
      write(
        "warning",
        "activity.unfinished",
        "Facts are recorded but do not lie in all their chains yet; the sweep finishes that.",
        { count: fields.count, chain: fields.chain, ...faultFields(fields.error) },
      ),
    gateWritten: (fields: { gateId: string; changes: number; revision: number }) =>
      write(
        "information",
        "gate.written",
        `${fields.changes} rule(s) were changed on a gate.`,
        fields,
      ),
    gateBusy: (fields: { gateId: string; detail: string; retryAfterMs: number }) =>
      write(
        "information",
        "gate.busy",
        "Somebody else changes a gate, or Azure is busy; it is read and planned again.",
        fields,
      ),
    updateStarted: (fields: { gateId: string; changes: number; revision: number }) =>
      write(
        "information",
        "gate.update.started",
        `An update of a firewall with ${fields.changes} changed rule(s) began.`,
        fields,
      ),
    updateEnded: (fields: { gateId: string; tookMs: number }) =>
      write(
        "information",
        "gate.update.ended",
        `An update of a firewall is in effect after ${Math.round(fields.tookMs / 1_000)} s.`,
        fields,
      ),
    updateFailed: (fields: { gateId: string; tookMs: number; message: string }) =>
      write(
        "warning",
        "gate.update.failed",
        "An update of a firewall came to nothing; it is planned and tried again.",
        fields,
      ),
    gateRefused: (fields: { gateId: string; code: string; message: string }) =>
      write(
        "error",
        "gate.refused",
        "Azure refuses to have a gate written; an operator has to act.",
        fields,
      ),
    gateGone: (fields: { gateId: string }) =>
      write("warning", "gate.gone", "A gate does not exist any more and is let go.", fields),
    gateRepaired: (fields: { gateId: string; found: readonly string[] }) =>
      write(
        "warning",
        "gate.repaired",
        "A gate was not as it had been proven; it is put right.",
        fields,
      ),
    placesChanged: (fields: { policyId: string; vms: number }) =>
      write(
        "warning",
        "policy.placesChanged",
        "Virtual machines of a policy are not where they were; its deny rules follow them.",
        fields,
      ),
    leaseTakenOver: (fields: { gateId: string; from: string }) =>
      write(
        "warning",
        "gate.lease.takenOver",
        "The writer of a gate gave no sign of life; another takes over.",
        fields,
      ),
    windowOpened: (fields: { windowId: string; vmId: string; closesAt: string }) =>
      write("information", "access.window.opened", "A window is open and proven.", fields),
    windowFailed: (fields: { windowId: string; vmId: string; codes: readonly string[] }) =>
      write("warning", "access.window.failed", "A window could not be opened.", fields),
    windowClosed: (fields: { windowId: string; vmId: string }) =>
      write("information", "access.window.closed", "A window is closed and proven.", fields),
    windowOverdue: (fields: { windowId: string; vmId: string; codes: readonly string[] }) =>
      write(
        "error",
        "access.window.overdue",
        "A window could not be closed; it is tried again until it is.",
        fields,
      ),
    foresightFault: (fields: { requestId: string; error: unknown }) =>
      write(
        "warning",
        "access.foresightFault",
        "Whether a request can take effect could not be told beforehand; opening will tell.",
        { accessRequestId: fields.requestId, ...faultFields(fields.error) },
      ),
    rightsUnreadable: (fields: { subscriptionId: string; what: string }) =>
      write(
        "error",
        "rights.unreadable",
        "This service may read role assignments but not all that goes with them; nobody is granted anything there until it may.",
        fields,
      ),
    taskFault: (fields: { what: string; error: unknown }) =>
      write(
        "error",
        "task.fault",
        "One of several tasks could not be finished; the others go on, and the sweep looks again at what it left.",
        { what: fields.what, ...faultFields(fields.error) },
      ),
    notificationFailed: (fields: {
      webhook: string;
      event: string;
      id: string;
      attempts: number;
      detail: string;
      isLasting: boolean;
      next: string;
    }) => {
      const { event: about, ...others } = fields;
      write(
        fields.isLasting ? "warning" : "information",
        "notification.failed",
        fields.isLasting
          ? "A webhook does not take a notification, and will not until it or its setting is put right; it is tried again."
          : "A webhook did not take a notification; it is tried again.",
        { about, ...others },
      );
    },
    notificationGivenUp: (fields: {
      webhook: string;
      event: string;
      id: string;
      attempts: number;
      detail: string;
    }) => {
      const { event: about, ...others } = fields;
      write(
        "error",
        "notification.givenUp",
        "A webhook did not take a notification for a day; it is given up.",
        { about, ...others },
      );
    },
    notificationsUnstored: (fields: { count: number; error: unknown }) =>
      write(
        "error",
        "notification.unstored",
        "Notifications could not be stored; they are kept in memory and tried again.",
        { count: fields.count, ...faultFields(fields.error) },
      ),
    activityDropped: (fields: { month: string; facts: number; subscriptions: number }) =>
      write(
        "warning",
        "activity.dropped",
        "A month of activity was dropped, as it is older than is kept.",
        fields,
      ),
    sweepSettled: (fields: { gates: number; policies: number; requests: number }) =>
      write("warning", "sweep.settled", "The sweep took up work that others had left.", fields),
  };
}

function faultFields(error: unknown): Readonly<Record<string, unknown>> {
  return error instanceof Error
    ? { error: error.name, message: error.message, stack: error.stack }
    : { error: String(error) };
}
