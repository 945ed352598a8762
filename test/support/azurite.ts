import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";

const programOf = (service: "table" | "blob"): string =>
  fileURLToPath(new URL(`../../node_modules/azurite/dist/src/${service}/main.js`, import.meta.url));

/** Azurite's well-known account; its key is public and opens nothing else. */
const account = {
  name: "devstoreaccount1",
  key: "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
} as const;

/** Table or blob storage on this machine, in memory, for the tests of one file. */
export interface Azurite {
  readonly connectionString: string;
  stop(): Promise<void>;
}

/** Starts a service of Azurite on a free port and waits until it listens. */
export async function startAzurite(service: "table" | "blob" = "table"): Promise<Azurite> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      programOf(service),
      "--inMemoryPersistence",
      "--silent",
      "--disableTelemetry",
      "--skipApiVersionCheck",
      `--${service}Port`,
      String(port),
    ],
    { stdio: "ignore" },
  );
  const ended = once(child, "exit");
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  await untilListening(port, () => child.exitCode !== null);
  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account.name};AccountKey=${account.key};${service === "table" ? "Table" : "Blob"}Endpoint=http://127.0.0.1:${port}/${account.name};`,
    async stop() {
      process.off("exit", kill);
      kill();
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") {
    throw new Error("A listening TCP server has a port.");
  }
  return address.port;
}

async function untilListening(port: number, hasEnded: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 20_000;
  while (!(await listens(port))) {
    if (hasEnded() || Date.now() > giveUpAt) {
      throw new Error(`Azurite does not listen on port ${port}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
