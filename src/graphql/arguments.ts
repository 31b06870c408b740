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
  const given = names.flatMap((name) => {
    const value = args[name];
    return value == null ? [] : [{ name, value }];
  });
  const [one, ...more] = given;
  if (one && more.length === 0) return one;
  const all = `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  const which = more.length === 0 ? "none" : given.map(({ name }) => name).join(" and ");
  throw new ServiceError("BAD_USER_INPUT", `Exactly one of ${all} must be given, not ${which}.`);
}
