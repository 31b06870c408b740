/** Why the promise of a service cannot be put to the test: a line for each reason. */
export class Unverifiable extends Error {
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join("\n"));
    this.lines = lines;
  }
}
