import { useState } from "react";
import { useMutation } from "urql";
import { AdjustStock } from "../api/stock.ts";
import { failureInWords } from "../api/words.ts";
import type { BookFieldsFragment } from "../generated/graphql.ts";
import { announce } from "../page/announcer.tsx";

/** Takes one out of stock or puts one in. What is pressed shows at once; what the service refuses is said, and taken back. */
export function StockButtons({ book: { id, title, stockQuantity } }: { book: BookFieldsFragment }) {
  const [, adjustStock] = useMutation(AdjustStock);
  const [underWay, setUnderWay] = useState(0);
  const [refusal, setRefusal] = useState("");

  async function adjust(by: number) {
    setRefusal("");
    // the button stays, so that the focus does, too
    if (stockQuantity + by < 0) return setRefusal("There is none left.");
    setUnderWay((count) => count + 1);
    // with a key of its own, each press counts once, however often it has to be sent
    const { data, error } = await adjustStock({ id, by, idempotencyKey: crypto.randomUUID() });
    setUnderWay((count) => count - 1);
    const result = data?.adjustStock;
    if (error) setRefusal(failureInWords(error));
    else if (result?.__typename === "Book") announce(`${result.stockQuantity} in stock`);
    else if (result?.__typename === "InsufficientStockError") setRefusal(soldOut(result.available));
    else if (result?.__typename === "BookNotFoundError") setRefusal("Somebody has deleted this book.");
    else setRefusal("There cannot be so many.");
  }

  return (
    <div className="stock">
      <fieldset aria-label={`Stock of ${title}`}>
        <button type="button" aria-label="Take one" aria-disabled={stockQuantity === 0} onClick={() => adjust(-1)}>
          −
        </button>
        <output data-under-way={underWay > 0} aria-live="off">
          {stockQuantity.toLocaleString("en")}
          <span className="unseen"> in stock</span>
        </output>
        <button type="button" aria-label="Put one in" onClick={() => adjust(1)}>
          +
        </button>
      </fieldset>
      {refusal && <p role="alert">{refusal}</p>}
    </div>
  );
}

function soldOut(available: number): string {
  return available === 0 ? "Somebody was quicker: none is left." : `Somebody was quicker: ${available} left.`;
}
