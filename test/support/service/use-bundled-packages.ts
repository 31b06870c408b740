import { flushCompileCache, registerHooks } from "node:module";

/* Loaded into a process with `--import`: from then on it takes packages from where `bundle-packages.ts` has put them. */

const urls: Readonly<Record<string, string>> = JSON.parse(process.env.BUNDLED_PACKAGES ?? "{}");

registerHooks({
  resolve: (name, context, next) => {
    const url = urls[name];
    if (url) return { url, format: "module", shortCircuit: true };
    if (!/^\..*\.ts$/.test(name)) return next(name, context);
    // there are hundreds, and Node would look up what each is
    return { url: new URL(name, context.parentURL).href, format: "module-typescript", shortCircuit: true };
  },
});

// what it has compiled is kept at its end, and many are killed
setTimeout(flushCompileCache, 1500).unref();
