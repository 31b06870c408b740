import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../../schema.graphql",
  documents: ["documents.ts"],
  generates: {
    "generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: "string",
        enumType: "string-literal",
        strictScalars: true,
        useTypeImports: true,
        scalars: { Date: "string", DateTime: "string", Revision: "number", JSON: "unknown" },
      },
    },
  },
};

export default config;
