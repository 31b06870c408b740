import { flushCompileCache, registerHooks } from "node:module";

/* Loaded into a process with `--import`: from then on it takes packages from where `bundle-packages.ts` has put them. */

const urls: Readonly<Record<string, string>> = JSON.parse(process.env.BUNDLED_PACKAGES ?? "{}");

registerHooks({
  resolve: (name, context, next) => {
    const url = urls[name];
    return url ? { url, format: "module", shortCircuit: true } : next(name, context);
  },
});

// what it has compiled is kept at its end, and many are killed
setTimeout(flushCompileCache, 1500).unref();
