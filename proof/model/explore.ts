/** Receives one step of a model: the state that it leads to, how it reads, and what it breaks if it breaks something. */
export type Emit<State> = (next: State, says: () => string, violation?: string) => void;

/** A model whose every interleaving can be visited: from each state, all steps that any party may take next. */
export interface Model<State> {
  readonly initial: State;
  /** The state's parts, each plain data. States with equal parts are one state. */
  parts(state: State): readonly object[];
  /** Hands each possible step to `emit`, in the same order at each call. */
  steps(state: State, emit: Emit<State>): void;
}

/** What a whole exploration found. */
export interface Exploration {
  /** How many different states were visited. */
  readonly states: number;
  /** How many steps the farthest of them is away from the initial one. */
  readonly depth: number;
  readonly violation: Violation | undefined;
}

/** What was broken, and the fewest steps that lead to it. */
export interface Violation {
  readonly trace: readonly string[];
  readonly says: string;
}

/**
 * Visits every state that `model` can reach, breadth first, until one step violates it: no violation is nearer.
 *
 * @throws RangeError when there are more than `limit` states: what is cut short has proved nothing
 */
export function explore<State>(model: Model<State>, limit: number): Exploration {
  const numberOf = numbering();
  const initialParts = model.parts(model.initial);
  const initial = { state: model.initial, parts: initialParts, numbers: initialParts.map(numberOf) };
  const visited = new Set([keyOf(initial.numbers)]);
  // for each state, in the order of discovery: the state that it was first reached from, and by which of its steps
  const parents = [-1];
  const ordinals = [-1];
  let level = [initial];
  let first = 0;
  let depth = 0;
  for (;;) {
    const next: typeof level = [];
    for (const [index, { state, parts, numbers }] of level.entries()) {
      let ordinal = -1;
      let broken: { ordinal: number; says: string } | undefined;
      model.steps(state, (successor, _, violation) => {
        ordinal++;
        if (violation) broken ??= { ordinal, says: violation };
        const newParts = model.parts(successor);
        // most steps leave most parts alone
        const newNumbers = newParts.map((part, i) => (part === parts[i] ? (numbers[i] as number) : numberOf(part)));
        const key = keyOf(newNumbers);
        if (visited.has(key)) return;
        visited.add(key);
        parents.push(first + index);
        ordinals.push(ordinal);
        next.push({ state: successor, parts: newParts, numbers: newNumbers });
      });
      if (broken) {
        const path = [...pathTo(first + index, parents, ordinals), broken.ordinal];
        return { states: visited.size, depth, violation: { trace: replay(model, path), says: broken.says } };
      }
      if (visited.size > limit) throw new RangeError(`more than ${limit} states`);
    }
    if (next.length === 0) return { states: visited.size, depth, violation: undefined };
    first += level.length;
    level = next;
    depth++;
  }
}

/** Gives equal parts equal numbers, so that a state is a few numbers. */
function numbering(): (part: object) => number {
  const numbers = new Map<string, number>();
  return (part) => {
    const content = encode(part);
    let found = numbers.get(content);
    if (found === undefined) {
      found = numbers.size;
      numbers.set(content, found);
    }
    return found;
  };
}

/** The values of plain data, in order. Parts are of one shape each, so their keys need no place in it. */
function encode(value: unknown): string {
  if (typeof value === "number") return String.fromCharCode(48 + value);
  if (typeof value === "boolean") return value ? "+" : "-";
  if (typeof value === "string") return `${value};`;
  if (value === null) return "~";
  let content = "(";
  if (Array.isArray(value)) for (const element of value) content += encode(element);
  else for (const key in value as object) content += encode((value as Record<string, unknown>)[key]);
  return `${content})`;
}

function keyOf(numbers: readonly number[]): string {
  let key = "";
  for (const number of numbers) key += String.fromCharCode(number & 0x7fff, number >> 15);
  return key;
}

function pathTo(index: number, parents: readonly number[], ordinals: readonly number[]): number[] {
  const path: number[] = [];
  for (let at = index; at > 0; at = parents[at] as number) path.unshift(ordinals[at] as number);
  return path;
}

function replay<State>(model: Model<State>, path: readonly number[]): string[] {
  let state = model.initial;
  return path.map((chosen) => {
    let ordinal = -1;
    let step: { next: State; says: string } | undefined;
    model.steps(state, (next, says) => {
      if (++ordinal === chosen) step = { next, says: says() };
    });
    if (!step) throw new Error("the model does not repeat its steps");
    state = step.next;
    return step.says;
  });
}
