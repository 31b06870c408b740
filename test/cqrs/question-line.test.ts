import { expect, test } from "vitest";
import { ServiceError } from "../../src/cqrs/errors.ts";
import { QuestionLine } from "../../src/cqrs/queries/question-line.ts";

const wanted = () => {};

/** A question that has begun and goes on until it is told to end. */
function openQuestion(line: QuestionLine) {
  const begun = Promise.withResolvers<() => Promise<void>>();
  const end = Promise.withResolvers<string>();
  const answer = line.ask(wanted, (nextPortion) => {
    begun.resolve(nextPortion);
    return end.promise;
  });
  return { begun: begun.promise, end: () => end.resolve("answered"), answer };
}

async function becomeLong(question: ReturnType<typeof openQuestion>) {
  const nextPortion = await question.begun;
  for (let i = 0; i < 100; i++) await nextPortion();
}

async function hasBegun({ begun }: ReturnType<typeof openQuestion>): Promise<boolean> {
  return Promise.race([begun.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);
}

test("questions are asked four at a time, in the order in which they came", async () => {
  const line = new QuestionLine();
  const questions = Array.from({ length: 6 }, () => openQuestion(line));
  expect(await Promise.all(questions.map(hasBegun))).toEqual([true, true, true, true, false, false]);
  questions[2]?.end();
  await questions[2]?.answer;
  expect(await Promise.all(questions.map(hasBegun))).toEqual([true, true, true, true, true, false]);
  for (const { end } of questions) end();
  expect(await Promise.all(questions.map(({ answer }) => answer))).toEqual(Array(6).fill("answered"));
});

test("a long question leaves its place to others, and a third long one is refused and does so, too", async () => {
  const line = new QuestionLine();
  const questions = Array.from({ length: 8 }, () => openQuestion(line));
  const [one, two, three] = questions as [(typeof questions)[0], (typeof questions)[0], (typeof questions)[0]];
  await becomeLong(one);
  await becomeLong(two);
  expect(await Promise.all(questions.map(hasBegun))).toEqual([true, true, true, true, true, true, false, false]);
  await expect(becomeLong(three)).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  three.end();
  await three.answer;
  expect(await Promise.all(questions.map(hasBegun))).toEqual([true, true, true, true, true, true, true, false]);
  one.end();
  await one.answer;
  // the place of a long one is for long ones
  expect(await hasBegun(questions[7] as typeof one)).toBe(false);
  await becomeLong(questions[3] as typeof one);
  expect(await hasBegun(questions[7] as typeof one)).toBe(true);
  for (const { end } of questions) end();
  await Promise.all(questions.map(({ answer }) => answer));
});

test("a question that nobody waits for any more is not asked, and gives up between two portions", async () => {
  const line = new QuestionLine();
  const over = () => {
    throw new ServiceError("TIMED_OUT", "too late");
  };
  let begun = 0;
  const late = Array.from({ length: 6 }, () => line.ask(over, async () => begun++));
  for (const answer of late) await expect(answer).rejects.toMatchObject({ code: "TIMED_OUT" });
  expect(begun).toBe(0);

  let isLate = false;
  const asked = line.ask(
    () => isLate && over(),
    async (nextPortion) => {
      for (;;) {
        await nextPortion();
        begun++;
        isLate = begun === 3;
      }
    },
  );
  await expect(asked).rejects.toMatchObject({ code: "TIMED_OUT" });
  expect(begun).toBe(3);
  expect(await line.ask(wanted, async () => "others are answered")).toBe("others are answered");
});
