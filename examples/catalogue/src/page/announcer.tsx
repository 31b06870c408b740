import { useSyncExternalStore } from "react";

let said = "";
let told: (() => void) | undefined;

/** Says to screen readers what others see by themselves. */
export function announce(text: string): void {
  // what is said twice is read twice only if it differs
  said = said === text ? `${text}\u00A0` : text;
  told?.();
}

function subscribe(tell: () => void): () => void {
  told = tell;
  return () => {
    told = undefined;
  };
}

export function Announcer() {
  const text = useSyncExternalStore(subscribe, () => said);
  return (
    <div role="status" aria-label="What has just happened" className="unseen">
      {text}
    </div>
  );
}
