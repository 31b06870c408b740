import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const suite = (file: string) => fileURLToPath(new URL(`../support/suite/${file}`, import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: {
    include: ["*/*.test.ts"],
    globalSetup: [suite("prepare.ts"), suite("bundle-packages.ts"), "start-service.ts"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
