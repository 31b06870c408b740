import { once } from "node:events";
import { type Environment, spawnProgram } from "./program.ts";

/** Runs one of the commands for operators to its end. */
export async function operate(command: string, env: Environment, ...args: readonly string[]) {
  const program = spawnProgram(`src/operate/${command}.ts`, args, env);
  const [code] = await once(program.child, "close");
  return { code: code as number | null, stdout: program.stdout(), stderr: program.stderr() };
}
