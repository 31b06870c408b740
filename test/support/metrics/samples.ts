import { expect } from "vitest";
import { plainHttp } from "../network/plain-http.ts";

/** One line of an exposition. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a service tells Prometheus at this port. */
export async function samplesAt(port: number): Promise<Sample[]> {
  const { status, bytes } = await plainHttp(`http://127.0.0.1:${port}/metrics`);
  expect(status).toBe(200);
  return [...bytes.toString().matchAll(/^([a-z_\d]+)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name = "", labels = "", value]) => ({
      name,
      labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text])),
      value: Number(value),
    }),
  );
}

/** The value of the sample with this name and at least these labels; undefined if there is none. */
export function sampleValue(
  samples: readonly Sample[],
  name: string,
  labels: Sample["labels"] = {},
): number | undefined {
  const wanted = Object.entries(labels);
  return samples.find((one) => one.name === name && wanted.every(([label, text]) => one.labels[label] === text))?.value;
}
