import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { withLock } from "./lock.mjs";
import { runInstaller } from "./process.mjs";
import { SetUpError } from "./set-up-error.mjs";

/**
 * Installs what package-lock.json says, unless exactly that is installed already. Safe to call from several processes at
 * once: one installs, the others wait.
 *
 * @param {string} root
 */
export async function installPackages(root) {
  if (isInstalled(root)) return;
  const say = (text) => process.stderr.write(`${text}\n`);
  const waiting = () => say("Another process is installing the packages; waiting for it …");
  await withLock(join(root, ".local", "install.lock"), waiting, async () => {
    if (isInstalled(root)) return;
    const isFirst = !existsSync(join(root, "node_modules"));
    say(
      isFirst
        ? "Installing packages (first time, about a minute) …"
        : "Installing packages, as package-lock.json has changed …",
    );
    // Development packages are what this needs, also where NODE_ENV is "production".
    const options = ["--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
    const { file, leading, env } = outsideNpm(root);
    const code = await runInstaller(file, [...leading, "ci", ...options], root, env);
    if (code !== 0) throw new SetUpError(`"npm ci" failed (exit code ${code}); see above.`);
  });
}

/**
 * npm keeps a list of what it has installed, written last. It is up to date when it agrees with package-lock.json on every
 * package but the optional ones, which are for other platforms.
 *
 * @param {string} root
 */
function isInstalled(root) {
  try {
    const wanted = packagesOf(join(root, "package-lock.json"));
    const found = packagesOf(join(root, "node_modules", ".package-lock.json"));
    return isSameInstallation(wanted, found);
  } catch (error) {
    // Not installed, or half: both are put right by installing. Without a lockfile npm ci says so.
    if (error.code === "ENOENT" || error instanceof SyntaxError) return false;
    throw error;
  }
}

/** @param {Record<string, any>} wanted @param {Record<string, any>} found */
function isSameInstallation(wanted, found) {
  const same = (a, b) => a.version === b.version && a.integrity === b.integrity;
  return (
    Object.keys(found).every((path) => path in wanted) &&
    Object.entries(wanted).every(
      ([path, entry]) =>
        path === "" || (path in found ? same(entry, found[path]) : entry.optional === true),
    )
  );
}

/** @param {string} file @returns {Record<string, any>} */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
}

/**
 * The Node 22 that came with the packages: a binary which the npm package `node` fetches in an install script.
 *
 * @param {string} root
 */
export function pinnedNode(root) {
  const home = join(root, "node_modules", "node");
  const node = join(home, "bin", process.platform === "win32" ? "node.exe" : "node");
  const wanted = `v${JSON.parse(readFileSync(join(home, "package.json"), "utf8")).version}`;
  const { stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
  const found = stdout?.trim();
  if (found === wanted) return node;
  throw new SetUpError(
    `The project's own Node ${wanted} is not there (${found ? `found ${found}` : `no ${node}`}).
It comes with an install script, and npm was probably told to skip those ("npm config get ignore-scripts").
Run: npm ci --ignore-scripts=false`,
  );
}

/**
 * npm by a Node outside node_modules: "npm run" puts node_modules/.bin first on the PATH, and "npm ci" deletes that.
 *
 * @param {string} root
 */
function outsideNpm(root) {
  const modules = join(root, "node_modules");
  const isOutside = (path) => path !== "" && !resolve(path).startsWith(modules);
  const path = (process.env.PATH ?? "").split(delimiter).filter(isOutside).join(delimiter);
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  const env = { ...process.env, PATH: path };
  if (npm?.endsWith("npm-cli.js") && node && isOutside(node) && existsSync(node)) {
    return {
      file: node,
      leading: [npm],
      env: { ...env, PATH: `${path}${delimiter}${dirname(node)}` },
    };
  }
  return { file: process.platform === "win32" ? "npm.cmd" : "npm", leading: [], env };
}
