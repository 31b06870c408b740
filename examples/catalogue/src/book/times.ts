const days = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
const times = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** A day without a time, which is the same everywhere. */
export function day(iso: string): string {
  return days.format(new Date(`${iso}T00:00:00Z`));
}

/** A moment, in the reader's own time zone. */
export function time(iso: string): string {
  return times.format(new Date(iso));
}
