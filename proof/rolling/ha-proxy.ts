import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endWithTest } from "../../test/support/cleanup.ts";
import { freePort } from "../../test/support/network/port.ts";
import { preparePrograms, programPath } from "../../test/support/suite/programs.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { eventually } from "../../test/support/wait.ts";

const CONFIGURATION = new URL("../../deploy/haproxy.cfg", import.meta.url);

/** HAProxy as deploy/haproxy.cfg has it, but for the ports. */
export class HaProxy {
  readonly url: string;
  readonly #status: string;

  private constructor(port: number, status: number) {
    this.url = `http://127.0.0.1:${port}/graphql`;
    this.#status = `http://127.0.0.1:${status}/metrics`;
  }

  /** Starts it before these ports, which are those of `one` and `two`. It ends with the run. */
  static async start(one: number, two: number): Promise<HaProxy> {
    preparePrograms([{ program: "haproxy", debianPackage: "haproxy" }], "rolling restarts");
    const [port, status] = [await freePort(), await freePort()];
    const ports = { 4001: one, 4002: two, 8080: port, 8404: status };
    const file = join(temporaryDirectory(), "haproxy.cfg");
    writeFileSync(file, withPorts(readFileSync(CONFIGURATION, "utf8"), ports));
    const child = spawn(programPath("haproxy") as string, ["-db", "-f", file], { stdio: "ignore" });
    endWithTest(child, "SIGKILL");
    const proxy = new HaProxy(port, status);
    await eventually("HAProxy answers", () =>
      proxy.isUp("one").then(
        () => true,
        () => false,
      ),
    );
    return proxy;
  }

  /** Whether it sends requests to the server of this name. */
  async isUp(server: string): Promise<boolean> {
    const text = await (await fetch(this.#status)).text();
    const line = new RegExp(`^haproxy_server_status\\{proxy="processes",server="${server}",state="UP"\\} (\\d)$`, "m");
    return line.exec(text)?.[1] === "1";
  }
}

function withPorts(text: string, ports: Readonly<Record<string, number>>): string {
  return Object.entries(ports).reduce((all, [documented, port]) => {
    const changed = all.replaceAll(`127.0.0.1:${documented}`, `127.0.0.1:${port}`);
    if (changed === all) throw new Error(`deploy/haproxy.cfg has no port ${documented}`);
    return changed;
  }, text);
}
