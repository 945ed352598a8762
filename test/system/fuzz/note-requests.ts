import { policyKeyOf, requestIdOf } from "./aims.ts";
import { type Asked, type GrantedPort, verdictsOf } from "./allowed.ts";
import { type FuzzCall, headerOf } from "./fuzz-call.ts";
import type { Ledger } from "./ledger.ts";
import type { Judgement, Told } from "./note-policies.ts";
import { isInside, isNoWider } from "./prefixes.ts";
import {
  type AskedPort,
  type AskRead,
  endOf,
  machineOf,
  readAsk,
  sourcesOf,
  type Whereabouts,
} from "./read-bodies.ts";
import type { RequestRecord } from "./request-record.ts";

/** The address that calls of the run come from. */
const ownAddress = "127.0.0.1";

/** Notes a request that was answered 202: asked for, extended or moved. Answers what is wrong with it having been granted. */
export function noteRequest(ledger: Ledger, told: Told, where: Whereabouts): Judgement {
  const { call, aim, body } = told;
  const { person } = call.identity;
  if (person === undefined) {
    return () => ["nobody was granted a request"];
  }
  const older = aim === "initiate" ? undefined : ledger.requests.get(requestIdOf(call));
  if (aim !== "initiate" && older?.person !== person) {
    return () => [`'${person}' extended or moved what is not theirs`];
  }
  const policyKey = older?.policyKey ?? policyKeyOf(call);
  const repeated = repetition(ledger, told, `${person} ${policyKey} ${older?.id ?? ""}`);
  const known = ledger.requests.get(body.id);
  if (known !== undefined) {
    const isSame = known.person === person && known.policyKey === policyKey;
    return () => (isSame ? repeated : [...repeated, `the id ${body.id} stands for two requests`]);
  }
  try {
    const ask = older === undefined ? readAsk(textOf(call), where) : followed(told, older, where);
    const granted = grantedPorts(told, where);
    const record = recordOf(told, { ask, granted, older, policyKey });
    ledger.add(record);
    return () => [
      ...repeated,
      ...differences(ask.ports, granted, told),
      ...faultsOf(ledger, record, told),
    ];
  } catch (error) {
    return () => [`a request was granted that cannot be read: ${error}`];
  }
}

/** The same key twice is one request. */
function repetition(ledger: Ledger, { call, body }: Told, about: string): readonly string[] {
  const key = headerOf(call, "idempotency-key");
  if (key === undefined) {
    return [];
  }
  const before = ledger.keys.get(`${about} ${key}`) ?? body.id;
  ledger.keys.set(`${about} ${key}`, before);
  return before === body.id ? [] : [`one key made two requests, ${before} and ${body.id}`];
}

/** As a reader of UTF-8 has it: without a mark of the byte order. */
const textOf = ({ body }: FuzzCall): string => new TextDecoder().decode(body);

/** What an extension or a move asks for: ports of the older request, as far as the answer names them. */
function followed(
  { call, aim, body: { virtualMachines } }: Told,
  older: RequestRecord,
  where: Whereabouts,
): AskRead {
  const said = textOf(call).trim();
  const body = said === "" ? {} : JSON.parse(said);
  const moved = sourcesOf(body);
  const isMove = aim === "rebind";
  const named: readonly { readonly id: string; readonly ports: readonly { number: number }[] }[] =
    virtualMachines;
  const ids = named.flatMap(({ id, ports }) =>
    ports.map(({ number }) => ({ machine: machineOf(id, where), port: number })),
  );
  const windows = older.windows.filter(({ machine, port }) =>
    ids.some((each) => each.machine === machine && each.port === port),
  );
  return {
    ports: windows.map(({ machine, port, sources, endsAt, seconds }) => ({
      machine,
      port,
      sources: isMove ? moved : sources,
      ...(isMove ? (endsAt === undefined ? { seconds } : { endsAt }) : endOf(body)),
    })),
    justification: body.justification ?? older.justification,
    isBreakGlass: older.isBreakGlass,
  };
}

interface ToldPort extends GrantedPort {
  readonly endsAt: number;
}

function grantedPorts({ body, sentAt, answeredAt }: Told, where: Whereabouts): readonly ToldPort[] {
  return body.virtualMachines.flatMap(({ id, ports }: { id: string; ports: unknown[] }) =>
    (ports as { number: number; endTimeUtc: string }[]).map((port) => {
      const endsAt = Date.parse(port.endTimeUtc);
      // A length that was cut to the policy's counts from a moment in between.
      const seconds = (endsAt - (answeredAt + sentAt) / 2) / 1_000;
      return {
        machine: machineOf(id, where),
        port: port.number,
        sources: sourcesOf({ ...port }),
        endsAt,
        seconds,
      };
    }),
  );
}

interface Parts {
  readonly ask: AskRead;
  readonly granted: readonly ToldPort[];
  readonly older: RequestRecord | undefined;
  readonly policyKey: string;
}

function recordOf(
  { call, aim, body, sentAt, answeredAt }: Told,
  { ask, granted, older, policyKey }: Parts,
): RequestRecord {
  const person = call.identity.person ?? "eve";
  const { justification, isBreakGlass } = ask;
  const windows = granted.map((port) => {
    const asked = ask.ports.find(
      (each) => each.machine === port.machine && each.port === port.port,
    );
    const { machine, port: number, sources } = port;
    return {
      machine,
      port: number,
      sources,
      endsAt: asked?.seconds === undefined ? port.endsAt : undefined,
      seconds: asked?.seconds ?? port.seconds,
      protocols: new Set<string>(),
    };
  });
  const isCarried =
    aim === "rebind" &&
    older?.needsNobody === false &&
    windows.every(({ sources }) =>
      older.windows.every((other) => isNoWider(sources, other.sources)),
    );
  return {
    id: body.id,
    person,
    policyKey,
    sentAt,
    answeredAt,
    windows,
    justification,
    isBreakGlass,
    needsNobody: body.state !== "pending approval" && !isCarried,
    carriedFrom: isCarried ? older : undefined,
    approvers: new Set(),
  };
}

/** Whether what was granted is what was asked for, no more and no less. */
function differences(
  asked: readonly AskedPort[],
  granted: readonly ToldPort[],
  { sentAt }: Told,
): readonly string[] {
  const matches = granted.map((port) => {
    const ask = asked.find((each) => each.machine === port.machine && each.port === port.port);
    const sources = ask === undefined || ask.sources.length > 0 ? ask?.sources : [ownAddress];
    const latest = ask?.endsAt ?? port.endsAt;
    return (
      sources !== undefined &&
      port.sources.every((source) => isInside(source, sources)) &&
      sources.every((source) => isInside(source, port.sources)) &&
      port.endsAt <= latest + 1 &&
      port.endsAt > sentAt
    );
  });
  return matches.length === asked.length && matches.every(Boolean)
    ? []
    : [`asked for ${JSON.stringify(asked)}, granted ${JSON.stringify(granted)}`];
}

/** Whether the person may, and the policy of that moment lets them. */
function faultsOf(ledger: Ledger, record: RequestRecord, told: Told): readonly string[] {
  const { person, windows, policyKey, sentAt, answeredAt } = record;
  const mayAsk = ledger.mayAsk(
    person,
    windows.map(({ machine }) => machine),
  );
  const asked: Asked = { ...record, ports: windows };
  const versions = ledger.policies.possible(policyKey, sentAt, answeredAt);
  for (const window of windows) {
    const terms = versions.map(({ content }) =>
      content?.machines.get(window.machine)?.get(window.port),
    );
    window.protocols = new Set(terms.flatMap((each) => each?.protocol ?? []));
  }
  const verdicts = versions.flatMap((version) => verdictsOf(version, asked));
  const isWaiting = told.body.state === "pending approval";
  const isAgreed = record.carriedFrom !== undefined && ledger.isAgreed(record, answeredAt);
  const isRight = isWaiting
    ? verdicts.includes("waits")
    : verdicts.includes("opens") || (verdicts.includes("waits") && isAgreed);
  return [
    ...(mayAsk ? [] : [`'${person}' may not ask for that`]),
    ...(isRight ? [] : [`answered '${told.body.state}', the policy says '${verdicts}'`]),
  ];
}
