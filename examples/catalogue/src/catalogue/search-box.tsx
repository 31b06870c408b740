import { useEffect, useRef } from "react";
import type { QuestionState } from "./question.ts";

/** Long enough that a word is asked for once, and short enough that nobody waits for it. */
const PAUSE_MS = 200;

/** Asks while somebody types. The text is the browser's own; the address follows it, and is followed on the way back. */
export function SearchBox({ state: { question, ask } }: { state: QuestionState }) {
  const { q = "" } = question;
  const input = useRef<HTMLInputElement>(null);
  const asked = useRef(q);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => {
    // what the box itself has asked may come after more was typed
    if (q !== asked.current && input.current) input.current.value = q;
    asked.current = q;
  }, [q]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function askNow() {
    clearTimeout(timer.current);
    const text = input.current?.value ?? "";
    if (text === asked.current) return;
    // one search is one step back, however many letters it had
    const replace = asked.current !== "" && text !== "";
    asked.current = text;
    ask({ q: text }, replace);
  }

  return (
    <search>
      <form
        className="search"
        onSubmit={(event) => {
          event.preventDefault();
          askNow();
        }}
      >
        <label htmlFor="q" className="unseen">
          Search by title or author
        </label>
        <input
          ref={input}
          id="q"
          type="search"
          defaultValue={q}
          placeholder="Title or author"
          autoComplete="off"
          enterKeyHint="search"
          maxLength={512}
          onChange={() => {
            clearTimeout(timer.current);
            timer.current = setTimeout(askNow, PAUSE_MS);
          }}
        />
      </form>
    </search>
  );
}
