import { afterEach, describe, expect, it } from "@jest/globals";
import {
  type LoopbackServer,
  listenOnLoopback,
  readBody,
} from "../../../local/host/loopback-server.ts";

const open: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close(0)));
});

const listen = async (...parameters: Parameters<typeof listenOnLoopback>) => {
  const server = await listenOnLoopback(...parameters);
  open.push(server);
  return server;
};

describe("a loopback server", () => {
  it("answers under localhost and both loopback addresses, where IPv6 exists", async () => {
    const seen = new Set<string | undefined>();
    const { port } = await listen(0, (request, response) => {
      seen.add(request.socket.localAddress);
      response.end("here");
    });

    const answers = await Promise.all(
      ["localhost", "127.0.0.1"].map(async (host) =>
        (await fetch(`http://${host}:${port}`)).text(),
      ),
    );

    expect(answers).toEqual(["here", "here"]);
    expect(["127.0.0.1", "::1"]).toEqual(expect.arrayContaining([...seen]));
  });

  it("refuses a port that is taken", async () => {
    const { port } = await listen(0, () => {});

    await expect(listen(port, () => {})).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("cuts a request that takes longer than the grace", async () => {
    let hasBegun = () => {};
    const begun = new Promise<void>((resolve) => {
      hasBegun = resolve;
    });
    const server = await listenOnLoopback(0, () => hasBegun());
    const request = fetch(`http://127.0.0.1:${server.port}`).catch(() => "cut");
    await begun;

    await server.close(20);

    expect(await request).toBe("cut");
  });

  it("reads a body up to its limit and not beyond, whether announced or not", async () => {
    const { port } = await listen(0, (request, response) => {
      readBody(request, 4).then(
        (body) => response.end(body ? `read ${body.length}` : "too large"),
        () => response.destroy(),
      );
    });
    const post = async (body: string | ReadableStream) => {
      const init = { method: "POST", body, duplex: "half" } as RequestInit;
      return await (await fetch(`http://127.0.0.1:${port}`, init)).text();
    };

    expect(await post("1234")).toBe("read 4");
    expect(await post("12345")).toBe("too large");
    expect(await post(ReadableStream.from([Buffer.from("123"), Buffer.from("45")]))).toBe(
      "too large",
    );
  });
});
