import { defineConfig } from "vitest/config";
import { inherited } from "./test/support/service/environment.ts";
import { keepFilesInMemory } from "./test/support/suite/files-in-memory.ts";
import { WaitingSpread } from "./test/support/suite/waiting-spread.ts";

// what Node has compiled once, the many processes and threads of the tests need not compile again
process.env.NODE_COMPILE_CACHE = inherited.NODE_COMPILE_CACHE;
// before the servers of the run are started
keepFilesInMemory();

export default defineConfig({
  test: {
    globalSetup: [
      "test/support/suite/prepare.ts",
      "test/support/suite/record.ts",
      "test/support/suite/bundle-packages.ts",
    ],
    // most tests wait for servers more than they work
    maxWorkers: 6,
    // files share a worker's modules: loading them anew for each would take a quarter of the time
    isolate: false,
    // Node loads them, as it loads the service
    experimental: { viteModuleRunner: false, nodeLoader: false },
    setupFiles: ["test/support/service/use-bundled-packages.ts"],
    sequence: { sequencer: WaitingSpread },
    // of use on a busy machine only: what is waited for comes, or not at all
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "sqlite",
          include: ["test/**/*.test.ts"],
          // clients have packages of their own: npm run clients
          exclude: ["test/operations.test.ts", "test/clients/**"],
          // not 0: with one worker, group 0 comes last
          sequence: { groupOrder: 1 },
        },
      },
      {
        // the write side and the read side run on the other engine as well
        extends: true,
        test: {
          name: "postgresql",
          include: ["test/{books,cqrs,graphql}/**/*.test.ts", "test/operate/{backup,doctor}.test.ts"],
          // these are about files, Redis, GraphQL and what is decided without a database, and learn nothing from another engine
          exclude: [
            "test/books/format.test.ts",
            "test/books/commands/{adjust-stock,delete-book,refusals,update-book}.test.ts",
            "test/books/import/*.test.ts",
            "test/books/queries/{book-edit-form,book-subscriptions,question-line}.test.ts",
            "test/cqrs/{garbled,large-lists,reading-threads,redis-*,reset,writer-thread}.test.ts",
            "test/graphql/{answer-size,caches,documents,errors,heavy-line,limits,persisted-documents,replays,schema}.test.ts",
          ],
          env: { TEST_ENGINE: "postgresql" },
          globalSetup: ["test/support/postgres/run-server.ts"],
          sequence: { groupOrder: 1 },
        },
      },
      {
        // reads what the suite has sent, so it comes after it
        extends: true,
        test: {
          name: "operations",
          include: ["test/operations.test.ts"],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
