import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pauseFor } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Estate } from "../../local/cloud/estate.ts";
import {
  BehindFirewalls,
  eachKind,
  type Kind,
  quickFirewalls,
  sample,
  stranger,
  type ToldWindow,
} from "./support/behind-firewalls.ts";
import { FaultWatch } from "./support/fault-watch.ts";
import { type Edited, editBetween } from "./support/firewall-edits.ts";
import { until } from "./user.ts";

/**
 * kill -9 while one firewall is being updated, and while the answer to the write of another is on its way; the cloud goes on from
 * where it was. Afterwards it is quick, and does the other way what nobody knows of Azure.
 */
const updateMs = 4_000;
const laterMs = 700;
const lax = { firewallIfMatch: "ignored", dnatAgainstDeny: "dnat ends" } as const;

const gateOf = {
  classic: /azureFirewalls\/fw-edge\?/i,
  policy: /ruleCollectionGroups\/jitaccess-/i,
};

let estate: BehindFirewalls;
let writes: Readonly<Record<Kind, readonly string[]>>;
let polled: readonly string[];
let openings: Readonly<Record<Kind, Opening>>;
let edited: Edited;

interface Opening {
  readonly window: ToldWindow;
  readonly open: string;
  readonly strangers: string;
  readonly closed: string;
}

beforeAll(async () => {
  estate = await BehindFirewalls.start(quickFirewalls({ timing: { firewallUpdateMs: updateMs } }));
  await estate.protect("kills", Object.values(sample));
  const faults = await FaultWatch.on(estate.system.endpoints);
  await faults.forgetCalls();
  const held = "PUT /ruleCollectionGroups/jitaccess-";
  await faults.arm({ match: held, kind: "slow", delayMs: 60_000 });
  const ids = {
    classic: await estate.ask("kills", sample.classic, 600),
    policy: await estate.ask("kills", sample.policy, 600),
  };
  // The held answer is not in the log before it is sent.
  await until(
    async () => ({ log: await faults.armCalls(), armed: await faults.faults() }),
    ({ log, armed }) =>
      putsOf("classic", log).length === 1 && armed.every(({ struck }) => struck === 1),
  );
  await pauseFor(300);
  const before = await faults.armCalls();
  await estate.system.kill("host");
  await change(({ timing, behaviour, ...more }) => ({
    ...more,
    timing: { ...timing, firewallUpdateMs: laterMs },
    behaviour: { ...behaviour, ...lax },
  }));
  await estate.system.startAgain();
  const windows = await both((kind) => estate.untilOpen(ids[kind]));
  const after = await estate.user.armRequests();
  // Groups are written once their firewall lets people through: until then it is the firewall that is asked about.
  polled = operationIds(
    after.slice(
      0,
      after.findIndex(({ method }) => method === "PUT"),
    ),
  );
  writes = await both(async (kind) => putsOf(kind, [...before, ...after]));
  openings = await both(async (kind) => {
    const open = await estate.greetingOf(windows[kind]);
    const strangers = await estate.greetingOf(windows[kind], stranger);
    await estate.user.act("olivia", ids[kind], "revoke");
    await estate.untilClosed(ids[kind]);
    const closed = await estate.greetingOf(windows[kind]);
    return { window: windows[kind], open, strangers, closed };
  });
  edited = await editBetween(estate, "kills", sample.classic, 1);
}, 180_000);

afterAll(async () => {
  await estate?.system.stop();
}, 30_000);

describe("an update of a firewall in which the app is killed", () => {
  it("is picked up by the next start, and not begun twice", () => {
    expect(writes.classic).toHaveLength(1);
    expect(polled).toHaveLength(1);
  });

  it("is not begun twice either when its answer never came", () => {
    expect(writes.policy).toEqual([]);
  });

  it.each(eachKind)("opens the port and lets it be closed again (%s)", (kind) => {
    const { window, open, closed } = openings[kind];

    expect(window.state).toBe("open");
    expect(open).toContain(`${sample[kind].vm}:22`);
    expect(closed).toBe("");
  });
});

describe("a cloud in which a DNAT rule ends what comes, and If-Match is not heeded", () => {
  it.each(eachKind)("lets in the requested source alone, while the window is open (%s)", (kind) => {
    expect(openings[kind].strangers).toBe("");
    expect(openings[kind].closed).toBe("");
  });

  it("keeps a customer's edit between the read that a write is planned by and the write", () => {
    expect(edited.status).toBe(200);
    expect(edited.seen).toBe(edited.wanted);
    expect(edited.greeting).toBe("");
  });
});

interface Logged {
  readonly method: string;
  readonly path: string;
}

const putsOf = (kind: Kind, log: readonly Logged[]): readonly string[] =>
  log.flatMap(({ method, path }) => (method === "PUT" && gateOf[kind].test(path) ? path : []));

/** The operations that were asked about, each once; none of a policy. */
const operationIds = (log: readonly Logged[]): readonly string[] => [
  ...new Set(
    log.flatMap(({ path }) => /\/locations\/\w+\/operations\/([\w-]+)/.exec(path)?.[1] ?? []),
  ),
];

/** Changes the estate of the next start. */
async function change(next: (estate: Estate) => Estate): Promise<void> {
  const file = join(estate.system.dir, "estate.json");
  await writeFile(file, JSON.stringify(next(JSON.parse(await readFile(file, "utf8")))));
}

async function both<T>(work: (kind: Kind) => Promise<T>): Promise<Record<Kind, T>> {
  const [classic, policy] = await Promise.all([work("classic"), work("policy")]);
  return { classic, policy };
}
