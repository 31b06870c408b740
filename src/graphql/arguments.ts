import { ServiceError } from "../cqrs/errors.ts";

/**
 * Which of these arguments was given, and its value: exactly one must be. Null is not given.
 *
 * @throws ServiceError `BAD_USER_INPUT`
 */
export function onlyOne<Name extends string>(
  args: { readonly [N in Name]?: string | null | undefined },
  ...names: readonly Name[]
): { readonly [N in Name]: { readonly name: N; readonly value: string } }[Name] {
  let only: { name: Name; value: string } | undefined;
  let count = 0;
  for (const name of names) {
    const value = args[name];
    if (value == null) continue;
    only = { name, value };
    count++;
  }
  if (only && count === 1) return only;
  const all = `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  const which = count === 0 ? "none" : names.filter((name) => args[name] != null).join(" and ");
  throw new ServiceError("BAD_USER_INPUT", `Exactly one of ${all} must be given, not ${which}.`);
}
