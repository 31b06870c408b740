import { type NeededProgram, preparePrograms } from "./programs.ts";

/** What the suite starts. */
const NEEDED: readonly NeededProgram[] = [
  { program: "redis-server", debianPackage: "redis-server" },
  { program: "chromium-headless-shell", debianPackage: "chromium-headless-shell" },
  { program: "openssl", debianPackage: "openssl" },
  { program: "pgbouncer", debianPackage: "pgbouncer" },
];

export default function prepareSuite(): void {
  preparePrograms(NEEDED, "the tests");
}
