import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { aRule } from "./support/a-rule.ts";
import { apiVersion, fastPolls, type Laboratory, openLaboratory } from "./support/running-cloud.ts";

let lab: Laboratory;
beforeAll(async () => {
  lab = await openLaboratory();
});
afterAll(() => lab.dispose());

const main = join(import.meta.dirname, "../../../local/cloud/main.ts");

function rulePath(rule: string): string {
  return `/subscriptions/${lab.estate.subscriptionId}/resourceGroups/rg-demo/providers/Microsoft.Network/networkSecurityGroups/nsg-linux/securityRules/${rule}?${apiVersion}`;
}

async function startProcess(data: string): Promise<{ child: ChildProcess; url: string }> {
  const tls = join(lab.ca.caFile, "..");
  const child = spawn(
    process.execPath,
    [main, "--data", data, "--cert", join(tls, "server.pem"), "--key", join(tls, "server.key.pem")],
    { stdio: ["ignore", "pipe", "inherit", "ipc"] },
  );
  if (child.stdout === null) throw new Error("no stdout");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return { child, url: JSON.parse(line).url };
}

describe("a cloud that stops in the middle of a write", () => {
  it("goes on where it was and ends the write after the next start", async () => {
    const stateFile = join(lab.dir, "stopped.json");
    const first = await lab.start({ stateFile, timing: { nsgWriteMs: 1_000 } });
    const put = await lab.send(first, "PUT", rulePath("JitAccess-1"), {
      body: { properties: aRule() },
    });
    await first.stop();

    const second = await lab.start({ stateFile });
    const operation = String(put.headers["azure-asyncoperation"]).slice(first.url.length);
    const atOnce = await lab.send(second, "GET", operation);

    expect(atOnce.body).toEqual({ status: "InProgress" });
    await expectSoon(async () => {
      const { body } = await lab.send(second, "GET", operation);
      expect(body).toEqual({ status: "Succeeded" });
    });
    const { body } = await lab.send(second, "GET", rulePath("JitAccess-1"));
    expect(body.properties.provisioningState).toBe("Succeeded");
  });

  it("has lost nothing it answered when it was killed", async () => {
    const data = join(lab.dir, "killed");
    const first = await startProcess(data);
    const { status } = await lab.send(first, "PUT", rulePath("kept"), {
      body: { properties: aRule() },
    });
    const eve = lab.estate.people.find(({ name }) => name === "eve")?.objectId;
    const { id: scope = "" } = lab.estate.resources[0] ?? {};
    const roleDefinitionId = lab.estate.roleDefinitions[0]?.id;
    const grant = { properties: { roleDefinitionId, principalId: eve } };
    const denied = {
      properties: { scope, permissions: [{}], principals: [{ id: eve, type: "User" }] },
    };
    const assignments = `${scope}/providers/Microsoft.Authorization`;
    const grantPath = `${assignments}/roleAssignments/11111111-1111-4111-8111-111111111111?${apiVersion}`;
    await lab.send(first, "PUT", grantPath, { body: grant });
    await lab.send(first, "PUT", "/local/deny-assignments/no", { anonymous: true, body: denied });
    first.child.kill("SIGKILL");
    await once(first.child, "exit");

    const second = await startProcess(data);
    const { body } = await lab.send(second, "GET", rulePath("kept"));
    const granted = await lab.send(second, "GET", grantPath);
    const denies = await lab.send(second, "GET", `${assignments}/denyAssignments?${apiVersion}`);
    second.child.disconnect();
    const [code] = await once(second.child, "exit");

    expect(status).toBe(201);
    expect(body.name).toBe("kept");
    expect(granted.body.properties).toMatchObject(grant.properties);
    expect(denies.body.value).toMatchObject([denied]);
    expect(code).toBe(0);
  });

  it("refuses the state of another estate, but not other timing", async () => {
    const stateFile = join(lab.dir, "estate.json");
    const first = await lab.start({ stateFile });
    await lab
      .network(first)
      .securityRules.delete("rg-demo", "nsg-farm", "allow-ssh-from-office", fastPolls);
    await first.stop();
    const { estate } = lab;

    const slower = { ...estate, timing: { ...estate.timing, nsgWriteMs: 5_000 } };
    const other = { ...estate, resources: estate.resources.slice(1) };

    await expect(lab.start({ stateFile, estate: slower })).resolves.toBeDefined();
    await expect(lab.start({ stateFile, estate: other })).rejects.toThrow(
      /another estate or version: use another --data folder or delete the file/,
    );
  });
});

/** Checks again and again, for at most five seconds. */
async function expectSoon(check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
