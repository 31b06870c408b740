import type { CodegenConfig } from "@graphql-codegen/cli";

export default {
  schema: "../../schema.graphql",
  documents: "src/**/*.{ts,tsx}",
  generates: {
    "src/generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: { Date: "string", DateTime: "string", Revision: "number", JSON: "unknown" },
      },
    },
    // tells the cache which types are members of which unions and interfaces
    "src/generated/schema.json": { plugins: ["introspection"], config: { minify: true, descriptions: false } },
  },
} satisfies CodegenConfig;
