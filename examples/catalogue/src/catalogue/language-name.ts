const names = new Intl.DisplayNames("en", { type: "language" });

/** What people call the language of a BCP 47 tag. */
export function languageName(tag: string): string {
  return names.of(tag) ?? tag;
}
