import { Link } from "react-router";
import { PageHeading } from "./page-heading.tsx";

export function NotFound({ what = "There is no such page" }: { what?: string }) {
  return (
    <div className="plain">
      <PageHeading title={what} />
      <p>
        <Link to="/">Look in the catalogue</Link>
      </p>
    </div>
  );
}
