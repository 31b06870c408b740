import { useEffect, useRef } from "react";
import { useBlocker } from "react-router";

/** Asks before a page is left whose form was changed. `allow` is for leaving it once it is saved. */
export function useLeaveWarning(hasChanges: boolean): { readonly allow: () => void } {
  const allowed = useRef(false);
  const blocker = useBlocker(() => hasChanges && !allowed.current);

  useEffect(() => {
    if (blocker.state !== "blocked") return;
    if (confirm("Leave this page? What you have changed is not saved.")) blocker.proceed();
    else blocker.reset();
  }, [blocker]);

  useEffect(() => {
    if (!hasChanges) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [hasChanges]);

  return {
    allow: () => {
      allowed.current = true;
    },
  };
}
