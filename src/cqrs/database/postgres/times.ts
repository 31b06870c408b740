import { TypeOverrides, types } from "pg";

const { DATE, TIMESTAMP, VARCHAR } = types.builtins;
/** Arrays of these have no name there. */
const ARRAY_OF = { DATE: 1182, TEXT: 1009 };

/**
 * How times come from the server. By node-postgres itself, a date would be the midnight of this process's time zone, and
 * a timestamp without a zone that zone's, so that processes in two of them would read two things.
 */
export function timesOfServer(): TypeOverrides {
  const overrides = new TypeOverrides();
  overrides.setTypeParser(DATE, types.getTypeParser(VARCHAR));
  overrides.setTypeParser(ARRAY_OF.DATE as never, types.getTypeParser(ARRAY_OF.TEXT as never));
  overrides.setTypeParser(TIMESTAMP, types.getTypeParser(VARCHAR));
  return overrides;
}
