import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Each may be used for whatever one likes, as long as its notice stays. */
const EVERYWHERE = ["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0", "BlueOak-1.0.0"];
/** Ask for more when they are passed on, such as changes of their own files or a name: tools are not. */
const FOR_TOOLS = ["MPL-2.0", "CC-BY-4.0", "Python-2.0"];

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

/** The packages of a lock file that may not be used, a line for each. `isTool`: nothing of it is a part of the service. */
export function forbiddenIn(lock: { readonly packages: Readonly<Record<string, Locked>> }, isTool: boolean): string[] {
  return Object.entries(lock.packages).flatMap(([path, { version, license, dev = false, link = false }]) => {
    if (path === "" || link) return [];
    const allowed = isTool || dev ? [...EVERYWHERE, ...FOR_TOOLS] : EVERYWHERE;
    if (license !== undefined && isAllowed(license, allowed)) return [];
    return [`${path.replace(/^.*node_modules\//, "")} ${version}: ${license ?? "no licence is named"}`];
  });
}

/** Of `A OR B` one must be allowed, of `A AND B` both; one in brackets is read as a whole. */
function isAllowed(expression: string, allowed: readonly string[]): boolean {
  const bare = expression.replace(/^\(([^()]*)\)$/, "$1");
  if (bare.includes(" OR ")) return bare.split(" OR ").some((one) => isAllowed(one, allowed));
  if (bare.includes(" AND ")) return bare.split(" AND ").every((one) => isAllowed(one, allowed));
  return allowed.includes(bare);
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const locks = globSync("**/package-lock.json", { cwd: root, exclude: ["**/node_modules/**"] });
  for (const file of locks) {
    const lock = JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), "utf8"));
    for (const line of forbiddenIn(lock, file !== "package-lock.json")) {
      console.error(`${file}: ${line}`);
      process.exitCode = 1;
    }
  }
  if (process.exitCode === 1)
    console.error("\nTake it out, or add its licence to .ci/check-licences.ts if it may be used.");
}
