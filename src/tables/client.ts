import type { TokenCredential } from "@azure/core-auth";
import {
  TableClient,
  TableServiceClient,
  type TableServiceClientOptions,
} from "@azure/data-tables";
import { createMonthTables, type MonthTables } from "./month-tables.ts";

/** The storage account, by secret or by identity. */
export type StorageAccount =
  | { readonly connectionString: string }
  | { readonly url: string; readonly credential: TokenCredential };

export interface TablesOptions {
  /** What the names of our tables start with: `JitGates`, `JitPolicies`, …. */
  readonly prefix?: string | undefined;
  /** Nothing is created: for who may only read. A table that is not there is a fault of the call then. @default false */
  readonly isReadOnly?: boolean | undefined;
  /** A call that has no answer after so many milliseconds has failed. @default 45_000 */
  readonly answerWithinMs?: number | undefined;
  /** Further policies of the HTTP pipeline. */
  readonly additionalPolicies?: TableServiceClientOptions["additionalPolicies"];
}

/** The tables. Each call waits until all of them exist, which is asked for once; those of the activity come with their months. */
export interface Tables {
  gates(): Promise<TableClient>;
  policies(): Promise<TableClient>;
  requests(): Promise<TableClient>;
  outbox(): Promise<TableClient>;
  anchors(): Promise<TableClient>;
  readonly activity: MonthTables;
  settings(): Promise<TableClient>;
}

/** Longer than the storage itself takes for an answer, which is 30 s. */
const answerWithin = 45_000;

type AdditionalPolicies = NonNullable<TablesOptions["additionalPolicies"]>;

/** Connects to the tables of an account; nothing is sent before the first use. */
export function createTables(account: StorageAccount, options: TablesOptions = {}): Tables {
  const { prefix = "Jit", isReadOnly = false, answerWithinMs = answerWithin } = options;
  const additionalPolicies = [inTime(answerWithinMs), ...(options.additionalPolicies ?? [])];
  // A table's name takes 3 to 63 letters and digits and starts with a letter.
  if (!/^[a-z][a-z\d]{0,48}$/i.test(prefix)) {
    throw new Error(
      `'${prefix}' is no prefix of table names; expected a letter and up to 48 letters and digits.`,
    );
  }
  const open = (name: string) => openTable(account, `${prefix}${name}`, additionalPolicies);
  const clients = {
    gates: open("Gates"),
    policies: open("Policies"),
    requests: open("Requests"),
    outbox: open("Outbox"),
    settings: open("Settings"),
    anchors: open("Anchors"),
  };
  let created: Promise<unknown> | undefined;
  const ready = async <T>(client: T): Promise<T> => {
    if (isReadOnly) {
      return client;
    }
    // All at once, so that a cold start waits for one round trip. The SDK takes "already exists" for success.
    created ??= Promise.all(Object.values(clients).map((each) => each.createTable())).catch(
      (error) => {
        created = undefined;
        throw error;
      },
    );
    await created;
    return client;
  };
  return {
    gates: () => ready(clients.gates),
    policies: () => ready(clients.policies),
    requests: () => ready(clients.requests),
    outbox: () => ready(clients.outbox),
    anchors: () => ready(clients.anchors),
    activity: createMonthTables(
      openService(account, additionalPolicies),
      `${prefix}Activity`,
      (name) => openTable(account, name, additionalPolicies),
    ),
    settings: () => ready(clients.settings),
  };
}

/**
 * NB. The SDK waits for ever. A writer that waits under its lease goes on giving signs of life, so nobody would take over, and what is to go
 * into one chain waits behind what is going: one connection that hangs would keep every port open that is to be closed.
 */
function inTime(milliseconds: number): AdditionalPolicies[number] {
  return {
    position: "perCall",
    policy: {
      name: "answerInTime",
      sendRequest(request, next) {
        request.timeout = milliseconds;
        return next(request);
      },
    },
  };
}

function openTable(
  account: StorageAccount,
  name: string,
  additionalPolicies: AdditionalPolicies,
): TableClient {
  const options = optionsOf(account, additionalPolicies);
  return "connectionString" in account
    ? TableClient.fromConnectionString(account.connectionString, name, options)
    : new TableClient(account.url, name, account.credential, options);
}

function openService(
  account: StorageAccount,
  additionalPolicies: AdditionalPolicies,
): TableServiceClient {
  const options = optionsOf(account, additionalPolicies);
  return "connectionString" in account
    ? TableServiceClient.fromConnectionString(account.connectionString, options)
    : new TableServiceClient(account.url, account.credential, options);
}

function optionsOf(
  account: StorageAccount,
  additionalPolicies: AdditionalPolicies,
): TableServiceClientOptions & { readonly allowInsecureConnection: boolean } {
  return {
    retryOptions: { maxRetries: 3, retryDelayInMs: 100, maxRetryDelayInMs: 2_000 },
    additionalPolicies,
    allowInsecureConnection: isLocal(account),
  };
}

/** Whether the account itself says http, as an emulator on this machine does. Azure's own accounts say https. */
function isLocal(account: StorageAccount): boolean {
  return "connectionString" in account
    ? /(^|;)\s*(TableEndpoint=http:|DefaultEndpointsProtocol=http\s*(;|$)|UseDevelopmentStorage=true)/i.test(
        account.connectionString,
      )
    : account.url.startsWith("http:");
}
