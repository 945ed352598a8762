import { join } from "node:path";
import type * as ArmAuthorization from "@azure/arm-authorization";
import { build } from "esbuild";

/**
 * The real client, bundled into `dir` the way the product's own bundle is. It is published as CommonJS and requires, some
 * levels down, a module that exists as ESM only: Node and the bundle can do that, Jest's `require` cannot.
 */
export async function loadArmAuthorization(dir: string): Promise<typeof ArmAuthorization> {
  const outfile = join(dir, "arm-authorization.cjs");
  await build({
    stdin: {
      contents: 'export * from "@azure/arm-authorization";',
      resolveDir: import.meta.dirname,
    },
    outfile,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
  });
  return (await import(outfile)).default;
}
