import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * The parts of Azurite 3.37 that we hold on to: its table server and, inside, the store with its LokiJS database. Azurite
 * publishes no types, and its own command would send telemetry and cannot be told when to save.
 */
export interface TableServer {
  readonly metadataStore: TableStore;
  /** Loads the store (`metadataStore.init`), then listens. */
  start(): Promise<void>;
}

export interface TableStore {
  readonly db: Loki;
  init(): Promise<void>;
  beginBatchTransaction(batchId: string): Promise<void>;
  endBatchTransaction(...batch: readonly unknown[]): Promise<void>;
}

export interface Loki {
  addCollection(name: string, options?: object): Collection;
  removeCollection(name: string): void;
  getCollection(name: string): Collection | null;
  saveDatabase(callback: (error?: Error | null) => void): void;
  autosaveDisable(): void;
}

export interface Collection {
  readonly name: string;
  on(event: "insert" | "update" | "delete", listener: (document: LokiDocument) => void): void;
  findOne(query: object): LokiDocument | null;
  insert(document: object): void;
  remove(document: LokiDocument): void;
}

export type LokiDocument = Readonly<Record<string, unknown>>;

interface Constructors {
  readonly TableServer: { default: new (configuration: object) => TableServer };
  readonly TableConfiguration: { default: new (...options: readonly unknown[]) => object };
}

const KEEP_ALIVE_SECONDS = 60;

/** A table server on 127.0.0.1 that has not started, with its data in `dir`. It logs nothing. */
export function createTableServer(port: number, dir: string): TableServer {
  const require = createRequire(import.meta.url);
  const { TableServer, TableConfiguration } = {
    TableServer: require("azurite/dist/src/table/TableServer"),
    TableConfiguration: require("azurite/dist/src/table/TableConfiguration"),
  } as Constructors;
  const noLogs = [false, false, undefined, undefined] as const;
  const loose = false;
  // A newer SDK may ask for a version of the REST API that this Azurite has not heard of.
  const skipApiVersionCheck = true;
  const configuration = new TableConfiguration.default(
    "127.0.0.1",
    port,
    KEEP_ALIVE_SECONDS,
    join(dir, "tables.json"),
    ...noLogs,
    loose,
    skipApiVersionCheck,
  );
  return new TableServer.default(configuration);
}
