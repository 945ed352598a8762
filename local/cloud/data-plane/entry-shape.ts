import { z } from "zod";
import { isObject } from "../answers.ts";
import { idKey } from "../arm-id.ts";
import type { Estate } from "../estate.ts";

const source = z.union([z.ipv4(), z.ipv6()]).default("203.0.113.7");

const ofMachine = z.strictObject({
  kind: z.literal("machine"),
  virtualMachine: z.string(),
  port: z.int().min(1).max(65_535),
  listen: z.int().min(0).max(65_535).default(0),
  backend: z
    .union([
      z.literal("echo"),
      z.string().regex(/^127\.0\.0\.1:\d{1,5}$/, 'must be "echo" or 127.0.0.1:PORT'),
    ])
    .default("echo"),
  source,
  destination: z.union([z.ipv4(), z.ipv6()]).optional(),
});

const ofFirewall = z.strictObject({
  kind: z.literal("firewall"),
  firewall: z.string(),
  publicIpAddress: z.ipv4(),
  listenOn: z.ipv4().regex(/^127\./, "must be a loopback address: 127.x.x.x"),
  source: z.ipv4().default("203.0.113.7"),
});

/** One entry of an estate's `dataPlane`. Which kind it is shows in its members; the schema has to be told, to name the one at fault. */
export const dataPlaneEntry = z
  .preprocess(
    (given) => (isObject(given) ? { ...given, kind: kindOf(given) } : given),
    z.discriminatedUnion("kind", [ofMachine, ofFirewall]),
  )
  .transform(({ kind: _kind, ...entry }) => entry);

/** Entries about machines and firewalls that the estate does not have, each with its place in the file. */
export function unknownTargets({ dataPlane = [], resources }: Estate): string[] {
  const known = new Set(resources.map(({ id }) => idKey(id)));
  return dataPlane.flatMap((entry, index) => {
    const [member, id] =
      "firewall" in entry ? ["firewall", entry.firewall] : ["virtualMachine", entry.virtualMachine];
    return known.has(idKey(id))
      ? []
      : [`there is no resource '${id}'\n  → at dataPlane[${index}].${member}`];
  });
}

function kindOf(given: object): "firewall" | "machine" {
  return "firewall" in given ? "firewall" : "machine";
}
