/** Where this program itself has failed. */
export function Fault() {
  return (
    <main className="plain">
      <h1>Something is wrong with this page</h1>
      <p>It is our fault and not yours. What you have saved is saved.</p>
      <p>
        <button type="button" onClick={() => location.reload()}>
          Load the page again
        </button>
      </p>
    </main>
  );
}
