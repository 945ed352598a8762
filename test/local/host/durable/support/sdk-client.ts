import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import type { DurableHost } from "../../../../../local/host/durable-host.ts";

/** The SDK's own client, talking HTTP to an engine. */
export async function sdkClient(host: DurableHost) {
  const urls = { baseUrl: "http://localhost:7071/runtime/webhooks/durabletask", systemKey: "key" };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://host");
    const answer = await host.handle({
      method: request.method ?? "",
      path: url.pathname.slice("/durabletask/".length),
      query: url.searchParams,
      headers: request.headers as Record<string, string>,
      body: await text(request),
      ...urls,
    });
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
    response.end(JSON.stringify(answer.body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const input = { type: "durableClient", name: "client" };
  const binding: unknown = JSON.parse(
    host.clientBinding({ ...urls, rpcUrl: `http://127.0.0.1:${port}/durabletask/` }),
  );
  const context = {
    options: { extraInputs: [input] },
    extraInputs: { get: () => binding },
  } as unknown as InvocationContext;
  return {
    client: df.getClient(context),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
