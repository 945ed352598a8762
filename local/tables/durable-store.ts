import type { Collection, Loki, LokiDocument, TableStore } from "./azurite.ts";
import { type Change, Journal, readJournals } from "./journal.ts";

/** A longer journal is folded into the snapshot, so that reading it at the next start takes a second at most. */
const FOLD_AT_BYTES = 32 * 1024 * 1024;

/** Azurite's own collections; every other one is a table. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  $TABLES_COLLECTION$: ["account", "table"],
  $SERVICES_COLLECTION$: ["accountName"],
};
const ENTITY_KEYS = ["RowKey", "PartitionKey"];

/**
 * Makes Azurite's table store keep what it has acknowledged. By itself it saves the whole database every 5 s, so that a kill
 * loses what was written since. With this, each change is in a journal before its answer is sent; a batch is there whole or
 * not at all; and the snapshot is written at the start and whenever the journal has grown long.
 */
export function keepEveryWrite(store: TableStore, dir: string): void {
  const recorder = new Recorder(store.db, dir);
  const { init, beginBatchTransaction, endBatchTransaction } = store;
  store.db.autosaveDisable();
  watchCollections(store.db, (change) => recorder.record(change));
  Object.assign(store, {
    async init() {
      await init.call(store);
      await recorder.start();
    },
    async beginBatchTransaction(batchId: string) {
      await beginBatchTransaction.call(store, batchId);
      recorder.beginTransaction();
    },
    async endBatchTransaction(...batch: readonly unknown[]) {
      // It undoes a failed batch, by changes that belong to the same transaction.
      await endBatchTransaction.call(store, ...batch);
      recorder.endTransaction();
    },
  } satisfies Partial<TableStore>);
}

class Recorder {
  readonly #db: Loki;
  readonly #dir: string;
  #journal: Journal | undefined;
  #changes: Change[] = [];
  #isInTransaction = false;
  #isFolding = false;

  constructor(db: Loki, dir: string) {
    this.#db = db;
    this.#dir = dir;
  }

  /** Brings the loaded snapshot up to date, then begins to record. */
  async start(): Promise<void> {
    for (const transaction of readJournals(this.#dir)) {
      for (const change of transaction) replay(this.#db, change);
    }
    this.#journal = Journal.open(this.#dir);
    await this.#trySnapshot(this.#journal);
  }

  /**
   * An update is a removal and an insertion, in one go. So a change waits for the end of the running code before it is
   * written; the answer comes later still, as Azurite awaits its store.
   */
  record(change: Change): void {
    if (this.#journal === undefined) return;
    this.#changes.push(change);
    if (this.#changes.length === 1 && !this.#isInTransaction) queueMicrotask(() => this.#write());
  }

  beginTransaction(): void {
    this.#write();
    this.#isInTransaction = true;
  }

  endTransaction(): void {
    this.#isInTransaction = false;
    this.#write();
  }

  #write(): void {
    const journal = this.#journal;
    if (journal === undefined || this.#isInTransaction || this.#changes.length === 0) return;
    journal.append(this.#changes);
    this.#changes = [];
    if (journal.bytes > FOLD_AT_BYTES && !this.#isFolding) this.#fold(journal);
  }

  #fold(journal: Journal): void {
    this.#isFolding = true;
    journal.startNewFile();
    void this.#trySnapshot(journal).finally(() => {
      this.#isFolding = false;
    });
  }

  /** Without one the former files still hold everything: the next time, or the next start, will do. Azurite makes it as one text, which Node bounds to half a gigabyte. */
  #trySnapshot(journal: Journal): Promise<unknown> {
    return this.#saveSnapshot(journal).catch((error: unknown) =>
      process.stderr.write(`tables: no snapshot saved: ${error}\n`),
    );
  }

  async #saveSnapshot(journal: Journal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#db.saveDatabase((error) => (error ? reject(error) : resolve()));
    });
    await journal.forgetOlder();
  }
}

/** Reports changes of all collections, of those that Azurite makes later as well. */
function watchCollections(db: Loki, record: (change: Change) => void): void {
  const watched = new WeakSet<Collection>();
  const { addCollection, removeCollection } = db;
  Object.assign(db, {
    addCollection(name: string, options?: object) {
      const collection = addCollection.call(db, name, options);
      if (watched.has(collection)) return collection;
      watched.add(collection);
      record(["create collection", name]);
      collection.on("insert", (document) => record(["put", name, copyOf(document)]));
      collection.on("update", (document) => record(["put", name, copyOf(document)]));
      collection.on("delete", (document) =>
        record(["remove", name, keysOf(collection.name, document)]),
      );
      return collection;
    },
    removeCollection(name: string) {
      removeCollection.call(db, name);
      record(["drop collection", name]);
    },
  } satisfies Partial<Loki>);
}

function replay(db: Loki, change: Change): void {
  const [what, name] = change;
  if (what === "drop collection") {
    db.removeCollection(name);
    return;
  }
  // The indices are those of Azurite's createCollectionForTable; its own collections exist by now.
  const collection = db.addCollection(name, { indices: ["PartitionKey", "RowKey"] });
  if (what === "create collection") return;
  const [, , document] = change;
  const former = collection.findOne(keysOf(name, document));
  if (former !== null) collection.remove(former);
  if (what === "put") collection.insert(document);
}

function keysOf(collection: string, document: LokiDocument): LokiDocument {
  const keys = KEYS[collection] ?? ENTITY_KEYS;
  return Object.fromEntries(keys.map((key) => [key, document[key]]));
}

/** Without LokiJS's own members: they are given anew. Copied at once, as Azurite goes on changing its documents. */
function copyOf(document: LokiDocument): LokiDocument {
  const { $loki: _id, meta: _meta, ...rest } = document;
  return structuredClone(rest);
}
