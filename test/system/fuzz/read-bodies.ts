import { machines } from "./estate.ts";
import { type RulesRead, readRules } from "./read-rules.ts";

type Json = Readonly<Record<string, unknown>>;

/** What a policy lets people ask for at one port of a machine. */
export interface Terms {
  readonly protocol: string;
  readonly sources: readonly string[];
  readonly longestSeconds: number;
}

/** A policy's body as this oracle understands it. */
export interface PolicyRead {
  /** By the machine's name and the port. */
  readonly machines: ReadonlyMap<string, ReadonlyMap<number, Terms>>;
  readonly rules: RulesRead | null | undefined;
}

/** One port that a request asks for: an end, or a length that counts from when it is open; no sources mean the caller's address. */
export interface AskedPort {
  readonly machine: string;
  readonly port: number;
  readonly sources: readonly string[];
  readonly endsAt?: number;
  readonly seconds?: number;
}

/** What an `initiate` body asks for, as this oracle understands it. */
export interface AskRead {
  readonly ports: readonly AskedPort[];
  readonly justification: string;
  readonly isBreakGlass: boolean;
}

/** Where the machines of the estate are. */
export interface Whereabouts {
  readonly subscriptionId: string;
  readonly tenantId: string;
}

/** Reads the body of a PUT that was taken. Throws where it cannot be understood. */
export function readPolicy(text: string, where: Whereabouts): PolicyRead {
  const { properties } = JSON.parse(text) as { properties: Json };
  const listed = properties["virtualMachines"] as readonly Json[];
  return {
    machines: new Map(
      listed.map(({ id, ports }) => [
        machineOf(id, where),
        new Map(
          (ports as readonly Json[]).map((port) => [
            portOf(port["number"]),
            {
              protocol: String(port["protocol"]).toUpperCase(),
              sources: sourcesOf(port),
              longestSeconds: secondsOf(port["maxRequestAccessDuration"]),
            },
          ]),
        ),
      ]),
    ),
    rules: readRules(properties, where.tenantId),
  };
}

/** Reads the body of an `initiate` that was taken. Throws where it cannot be understood. */
export function readAsk(text: string, where: Whereabouts): AskRead {
  const body = JSON.parse(text) as Json;
  const listed = body["virtualMachines"] as readonly Json[];
  return {
    ports: listed.flatMap(({ id, ports }) =>
      (ports as readonly Json[]).map((port) => ({
        machine: machineOf(id, where),
        port: portOf(port["number"]),
        sources: sourcesOf(port),
        ...endOf(port),
      })),
    ),
    justification: String(body["justification"] ?? ""),
    isBreakGlass: body["breakGlass"] === true,
  };
}

/** The end that a port of a request, or an extension, names. */
export function endOf({ endTimeUtc, duration }: Json) {
  return typeof endTimeUtc === "string"
    ? { endsAt: Date.parse(endTimeUtc) }
    : { seconds: secondsOf(duration) };
}

/** The sources that a port or a move names, in whichever of the two members. */
export function sourcesOf(port: Json): readonly string[] {
  const given = port["allowedSourceAddressPrefix"] ?? port["allowedSourceAddressPrefixes"] ?? [];
  return [given].flat().map(String);
}

/** The name of the estate's machine that an id means. Throws where it means none. */
export function machineOf(id: unknown, { subscriptionId }: Whereabouts): string {
  const start = `/subscriptions/${subscriptionId}/resourcegroups/rg-demo/providers/microsoft.compute/virtualmachines/`;
  const lower = String(id).toLowerCase();
  const name = lower.startsWith(start) ? lower.slice(start.length) : "";
  if (!machines.has(name)) {
    throw new Error(`'${lower}' is no machine that can be protected.`);
  }
  return name;
}

function portOf(number: unknown): number {
  const port = Number(number);
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw new Error(`'${number}' is no port.`);
  }
  return port;
}

function secondsOf(duration: unknown): number {
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(String(duration));
  if (match === null) {
    throw new Error(`'${duration}' is no duration.`);
  }
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}
