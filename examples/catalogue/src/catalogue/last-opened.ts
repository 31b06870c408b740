import { useEffect } from "react";
import { useNavigationType } from "react-router";

let lastOpened: string | undefined;

/** Notes which book was opened from a list. */
export function noteOpened(id: string): void {
  lastOpened = id;
}

/** Leads who comes back to the list to the book that was opened from it, the focus as well. */
export function useReturnToOpened(): void {
  const isReturn = useNavigationType() === "POP";
  useEffect(() => {
    const link = isReturn && document.getElementById(`book-${lastOpened}`);
    if (!link) return;
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: "center" });
  }, [isReturn]);
}
