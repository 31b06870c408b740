import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

/** Packages that are many files each. Those that look for files of their own are not among them. */
const BUNDLED = [
  "@mikro-orm/core",
  "@mikro-orm/postgresql",
  "@mikro-orm/sqlite",
  "@pothos/core",
  "@pothos/plugin-errors",
  "@pothos/plugin-relay",
  "graphql",
  "graphql-jit",
  "graphql-yoga",
  "ioredis",
  "kysely",
  "pg",
  "zod",
];

const NODE_MODULES = fileURLToPath(new URL("../../../node_modules", import.meta.url));
const ENTRY = "whole:";

/**
 * The suite starts a hundred processes, and half of what one takes to start is to find the 1,500 files of its packages.
 * So they are made into a few, once for each package-lock.json, which `use-bundled-packages.ts` puts in their place.
 */
export default async function bundlePackages(): Promise<void> {
  const hash = createHash("sha256");
  // npm writes what is installed there
  for (const file of [join(NODE_MODULES, ".package-lock.json"), fileURLToPath(import.meta.url)]) {
    hash.update(readFileSync(file));
  }
  // from there, what is left out of them is found
  const directory = join(NODE_MODULES, `.bundled-${hash.digest("hex").slice(0, 16)}`);
  const files = new Map(BUNDLED.map((name) => [name, `${name.replace("@", "").replace("/", "-")}.mjs`]));
  if (!existsSync(directory)) await bundle(directory, files);
  const urls = [...files].map(([name, file]) => [name, pathToFileURL(join(directory, file)).href]);
  process.env.BUNDLED_PACKAGES = JSON.stringify(Object.fromEntries(urls));
}

async function bundle(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  const unfinished = `${directory}-${process.pid}`;
  await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["node", "module-sync"] },
    ssr: { noExternal: true, external: ["better-sqlite3", "pg-native"] },
    plugins: [{ name: "whole-packages", resolveId: entryNamed, load: wholePackage }],
    build: {
      ssr: true,
      minify: false,
      outDir: unfinished,
      rolldownOptions: {
        input: Object.fromEntries([...files].map(([name, file]) => [file, ENTRY + name])),
        output: { entryFileNames: "[name]", chunkFileNames: "[hash].mjs" },
      },
    },
  });
  try {
    renameSync(unfinished, directory);
  } catch (error) {
    // another run was quicker
    rmSync(unfinished, { recursive: true });
    if (!existsSync(directory)) throw error;
  }
}

function entryNamed(id: string): string | undefined {
  return id.startsWith(ENTRY) ? id : undefined;
}

/** A module that exports what Node makes of a package's exports. */
async function wholePackage(id: string): Promise<string | undefined> {
  if (!id.startsWith(ENTRY)) return undefined;
  const name = id.slice(ENTRY.length);
  const names = Object.keys(await import(name)).filter((exported) => exported !== "module.exports");
  return `export { ${names.join(", ")} } from ${JSON.stringify(name)};`;
}
