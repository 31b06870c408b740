import { readFileSync } from "node:fs";
import { GraphQLError } from "graphql";
import { parseBounded } from "./documents.ts";

/** A manifest of documents that cannot be used, in words that follow the name of its setting. */
export class ManifestFault extends Error {}

/** Of a name, which is the file's, so much is shown. */
const MAX_SHOWN = 100;

/**
 * The documents of a manifest by their names, as GraphQL Code Generator and relay-compiler write it: a JSON object of texts.
 *
 * @throws ManifestFault
 */
export function readManifest(path: string): ReadonlyMap<string, string> {
  const manifest = parseJson(readText(path));
  const documents = Object.entries(typeof manifest === "object" && !Array.isArray(manifest) ? (manifest ?? {}) : {});
  if (documents.length === 0) throw new ManifestFault("must hold a JSON object of documents by their names");
  for (const [name, text] of documents) {
    const fault = faultOf(text);
    if (fault !== undefined)
      throw new ManifestFault(`holds under ${JSON.stringify(name.slice(0, MAX_SHOWN))} ${fault}`);
  }
  return new Map(documents);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/^\ufeff/, "");
  } catch (error) {
    throw new ManifestFault(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ManifestFault("must hold JSON");
  }
}

function faultOf(text: unknown): string | undefined {
  if (typeof text !== "string") return "what is no text";
  try {
    parseBounded(text);
    return undefined;
  } catch (error) {
    if (error instanceof GraphQLError) return `what is no document (${error.message})`;
    throw error;
  }
}
