import { useEffect, useRef } from "react";

let arrival: string | undefined;
let hasMoved = false;

/** Notes whether the reader has come from another page: the browser itself sees to the first one. */
export function rememberArrival(key: string): void {
  hasMoved ||= arrival !== undefined && arrival !== key;
  arrival = key;
}

/** The page's heading and title. It takes the focus from the link that led here, so that screen readers read on here. */
export function PageHeading({ title, lang }: { title: string; lang?: string | null }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (hasMoved) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <>
      <title>{`${title} – Catalogue`}</title>
      <h1 ref={heading} tabIndex={-1} lang={lang ?? undefined}>
        {title}
      </h1>
    </>
  );
}
