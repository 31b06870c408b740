import { useConnection } from "../api/connection.ts";

const time = new Intl.DateTimeFormat("en", { timeStyle: "short" });

/** Says that the service cannot be heard, and that nothing has to be done about it. */
export function ConnectionNote() {
  const { lostAt, mustReload } = useConnection();
  return (
    <div role="status" aria-label="Connection">
      {mustReload ? (
        <p className="note warning">
          This page is from before the catalogue was put back to an earlier state, or too old to catch up.{" "}
          <button type="button" onClick={() => location.reload()}>
            Reload the page
          </button>
        </p>
      ) : lostAt ? (
        <p className="note warning">
          No connection. What you see is of {time.format(lostAt)}; it catches up by itself once there is one again.
        </p>
      ) : null}
    </div>
  );
}
