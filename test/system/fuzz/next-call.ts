import { bytesOf, type FuzzCall, headerOf, isForApp } from "./fuzz-call.ts";
import { genuine, type Identities, otherIdentity } from "./identities.ts";
import { type Intent, nextIntent } from "./intents.ts";
import type { World } from "./known-world.ts";
import {
  extraHeaders,
  mutateBody,
  mutatePath,
  mutateQuery,
  noHttp,
  otherMethods,
  targetOf,
  tooManyHeaders,
} from "./mutate-call.ts";

/** What of a call is changed, each on its own. */
interface Changes {
  readonly identity: boolean;
  readonly method: boolean;
  readonly path: boolean;
  readonly query: boolean;
  readonly body: boolean;
  readonly manyHeaders: boolean;
}

/** The next calls of a connection: mostly one, at times several that go out together. */
export function nextCalls(world: World, identities: Identities, most: number): readonly FuzzCall[] {
  const { chance } = world;
  if (chance.isIn(1)) {
    return [bytesThatAreNoCall(world)];
  }
  const first = nextCall(world, identities);
  if (goesAlone(first)) {
    return [first];
  }
  if (chance.isIn(3)) {
    // The same twice, at the same moment and with the same key.
    const key = ["idempotency-key", chance.guid()] as const;
    const keyed = {
      ...first,
      headers: [...first.headers.filter(([name]) => name !== key[0]), key],
    };
    return [keyed, keyed].slice(0, most);
  }
  const count = chance.isIn(12) ? Math.min(most, chance.int(2, 4)) - 1 : 0;
  const others = Array.from({ length: count }, () => nextCall(world, identities));
  return [first, ...others.filter((call) => !goesAlone(call))];
}

/** The server may end the connection, and with it the answers of other calls; or tell one to go on in the midst of another's answer. */
const goesAlone = (call: FuzzCall): boolean =>
  !isForApp(call) || headerOf(call, "expect") !== undefined;

function nextCall(world: World, identities: Identities): FuzzCall {
  const intent = nextIntent(world);
  return callOf(world, identities, intent, changesFor(world));
}

/** More than half of all calls are as somebody may well make them. */
function changesFor({ chance }: World): Changes {
  const isChanged = chance.isIn(45);
  const isIn = (percent: number) => isChanged && chance.isIn(percent);
  return {
    identity: isIn(30),
    method: isIn(8),
    path: isIn(20),
    query: isIn(20),
    body: isIn(60),
    manyHeaders: isIn(1),
  };
}

/** The intent as a call, with those changes. */
export function callOf(
  { chance }: World,
  identities: Identities,
  intent: Intent,
  changes: Partial<Changes> = {},
): FuzzCall {
  const { purpose, person, body } = intent;
  const path = changes.path ? mutatePath(chance, intent.path) : intent.path;
  const query = changes.query ? mutateQuery(chance, intent.query) : intent.query;
  const isBare = body === undefined && !(changes.body && intent.method !== "GET");
  const call: FuzzCall = {
    purpose,
    method: changes.method ? chance.pick(otherMethods) : intent.method,
    target: targetOf(chance, path, query).replaceAll(" ", "%20"),
    identity: changes.identity
      ? otherIdentity(identities, chance, person)
      : genuine(identities, chance, person),
    headers: [
      ...(chance.isIn(30) ? extraHeaders(chance) : []),
      ...(changes.manyHeaders ? tooManyHeaders : []),
    ],
    body: isBare
      ? undefined
      : changes.body
        ? mutateBody(chance, body)
        : Buffer.from(JSON.stringify(body)),
    isChunked: chance.isIn(15),
  };
  return call;
}

function bytesThatAreNoCall({ chance }: World): FuzzCall {
  const text = chance.pick(noHttp);
  const call: FuzzCall = {
    purpose: "no HTTP",
    method: "GET",
    target: "/",
    identity: { person: undefined, isCertain: true, authorization: undefined },
    headers: [],
    body: undefined,
    isChunked: false,
  };
  const noise = Buffer.from(Array.from({ length: chance.int(1, 400) }, () => chance.int(0, 255)));
  const cut = bytesOf(call).subarray(0, chance.int(1, 20));
  const raw = chance.pick([Buffer.from(text, "latin1"), Buffer.from(text, "latin1"), noise, cut]);
  return { ...call, raw };
}
