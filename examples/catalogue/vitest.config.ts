import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Run from the root, whose packages and test support the tests use: `npm run example:test`. */
export default defineConfig({
  test: {
    include: ["examples/catalogue/test/*.test.ts"],
    globalSetup: [fileURLToPath(new URL("../../test/support/suite/prepare.ts", import.meta.url))],
    // of use on a busy machine only: what is waited for comes, or not at all
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 60_000,
    hookTimeout: 150_000,
  },
});
