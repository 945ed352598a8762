import { relative } from "node:path";
import { type MachinePort, nameOf } from "../cloud/data-plane/machine-port.ts";
import type { Estate } from "../cloud/estate.ts";
import type { Endpoints } from "../endpoints.ts";

export interface Welcome {
  readonly endpoints: Endpoints;
  readonly people: Estate["people"];
  readonly applications: NonNullable<Estate["applications"]>;
  readonly machinePorts: readonly MachinePort[];
  readonly dataDir: string;
  readonly isDefaultDataDir: boolean;
  readonly estateFile: string;
  readonly seconds: number;
}

/** What is printed once everything answers: where it is, who there is, what to do next. */
export function welcomeText(welcome: Welcome): string {
  const {
    endpoints,
    people,
    applications,
    machinePorts,
    dataDir,
    isDefaultDataDir,
    estateFile,
    seconds,
  } = welcome;
  const caFile = shortest(endpoints.caFile);
  const token = `${endpoints.cloud}/local/tokens/${people[0]?.name ?? "NAME"}`;
  const demo = isDefaultDataDir ? "npm run demo" : `npm run demo -- --data ${shortest(dataDir)}`;
  return `
JIT Access is ready (${seconds.toFixed(1)} s).

  API      ${endpoints.api}   ${endpoints.apiHttps}
  Cloud    ${endpoints.cloud}  (stands for ARM, Entra ID and Graph; ${shortest(estateFile)})
  Tables   ${endpoints.tables}
  Data     ${shortest(dataDir)}  (kept between starts; delete it to begin anew)
  CA       ${caFile}  (signed the certificates of the https addresses)

${applications.length === 0 ? "People" : "People and applications"}
${listOf([...people, ...applications])}
${portsText(machinePorts)}
Next, in another terminal
  ${demo}
      the whole story, step by step
  curl --cacert ${caFile} ${token}
      an access token for the API
Ctrl-C stops everything.
`;
}

function listOf(callers: readonly { readonly name: string; readonly about: string }[]): string {
  const width = Math.max(0, ...callers.map(({ name }) => name.length));
  return callers.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join("\n");
}

/** Nothing for an estate without such ports. */
function portsText(ports: readonly MachinePort[]): string {
  if (ports.length === 0) return "";
  const width = Math.max(...ports.map((port) => nameOf(port).length));
  const lines = ports.map((port) => {
    const through =
      port.mappedPort === undefined ? "" : ` through ${port.publicIpAddress}:${port.mappedPort}`;
    const state = port.letsIn ? "open" : "closed until you ask";
    const instead = port.isSubstitute ? `, as ${port.askedFor} cannot be had` : "";
    return `  ${nameOf(port).padEnd(width)}  on ${port.address}${through}  to a client at ${port.source} (${state}${instead})`;
  });
  return `\nPorts that really answer (with nc, telnet, …)\n${lines.join("\n")}\n`;
}

/** Relative to where the reader is, unless that leads outside. */
function shortest(path: string): string {
  const short = relative(process.cwd(), path);
  return short === "" || short.startsWith("..") ? path : short;
}
