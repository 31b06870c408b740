import { describe, expect, test } from "vitest";
import { newDatabase } from "../../support/database/database.ts";
import { ADJUST_STOCK } from "../../support/service/book-requests.ts";
import { sharedService, startService } from "../../support/service/service.ts";

const shared = sharedService();

const MOST = 2_147_483_647;
const LEAST = -2_147_483_648;

describe("adjustStock", () => {
  test("adds to what is in stock, or takes from it, and is a change like others", async () => {
    const service = shared();
    const { addBook } = (await service.addBook("A", { stockQuantity: 10, isbn: "1234567890" })).data;
    const { updatedAt } = addBook;
    const { data, consistency } = await service.adjustStock(" A ", -4);
    expect(data.adjustStock).toEqual({ ...addBook, stockQuantity: 6, version: 2, updatedAt: expect.any(String) });
    expect(data.adjustStock.updatedAt >= updatedAt).toBe(true);
    expect(consistency).toEqual({ revision: 2, servedBy: "database" });
    expect((await service.adjustStock("A", 1)).data.adjustStock).toMatchObject({ stockQuantity: 7, version: 3 });
    expect((await service.book("A")).data.book).toMatchObject({ stockQuantity: 7, version: 3 });
  });

  test("finds the book by its id, of which or of the title one is to be given, and has codes", async () => {
    const service = shared();
    const { id } = (await service.addBook("A", { stockQuantity: 10 })).data.addBook;
    const adjust = async (variables: object) => {
      const query = `mutation ($title: String, $id: ID, $by: Int!, $key: String) {
        adjustStock(title: $title, id: $id, by: $by, idempotencyKey: $key) {
          ... on Book { stockQuantity }
          ... on BookNotFoundError { code title }
          ... on InsufficientStockError { code }
          ... on IdempotencyKeyReusedError { code }
          ... on ValidationError { fieldErrors { field code limit } }
        } }`;
      const { data, errors } = await service.send(query, { variables: { ...variables } });
      return errors?.[0].extensions.code ?? data.adjustStock;
    };
    expect(await adjust({ id, by: -3, key: "k" })).toEqual({ stockQuantity: 7 });
    expect(await adjust({ id, title: null, by: -3, key: "k" })).toEqual({ stockQuantity: 7 });
    expect(await adjust({ id, by: -4, key: "k" })).toEqual({ code: "IDEMPOTENCY_KEY_REUSED" });
    expect(await adjust({ id, by: -8 })).toEqual({ code: "INSUFFICIENT_STOCK" });
    expect(await adjust({ id: "none", by: 1 })).toEqual({ code: "BOOK_NOT_FOUND", title: "none" });
    const fault = { field: "by", code: "TOO_LARGE", limit: MOST - 7 };
    expect(await adjust({ id, by: MOST })).toEqual({ fieldErrors: [fault] });
    expect(await adjust({ by: 1 })).toBe("BAD_USER_INPUT");
    expect(await adjust({ id, title: "A", by: 1 })).toBe("BAD_USER_INPUT");
  });

  test("takes all that there is, and no more: who asks for more is told what there is", async () => {
    const service = await startService();
    await service.addBook("A", { stockQuantity: 5 });
    for (const by of [-6, LEAST]) {
      const { data, consistency } = await service.adjustStock("A", by);
      expect(data.adjustStock).toEqual({
        ...{ __typename: "InsufficientStockError", message: "Only 5 are in stock.", available: 5 },
      });
      expect(consistency.revision).toBe(1);
    }
    expect((await service.adjustStock("A", -5)).data.adjustStock).toMatchObject({ stockQuantity: 0 });
    expect((await service.adjustStock("A", -1)).data.adjustStock).toMatchObject({ available: 0 });
  });

  test("fills up to what can be counted, and no further: who asks for more is told what there is room for", async () => {
    const service = await startService();
    await service.addBook("A");
    expect((await service.adjustStock("A", MOST)).data.adjustStock).toMatchObject({ stockQuantity: MOST });
    await service.adjustStock("A", -3);
    for (const by of [4, MOST]) {
      expect((await service.adjustStock("A", by)).data.adjustStock).toEqual({
        ...{ __typename: "ValidationError", message: "by must be at most 3" },
        fieldErrors: [{ field: "by", message: "must be at most 3" }],
      });
    }
    expect((await service.book("A")).data.book).toMatchObject({ stockQuantity: MOST - 3, version: 3 });
  });

  test("by 0 is refused, before the book is looked for", async () => {
    const service = shared();
    const { data } = await service.adjustStock("Nowhere", 0);
    expect(data.adjustStock).toMatchObject({
      __typename: "ValidationError",
      fieldErrors: [{ field: "by", message: "must not be 0" }],
    });
  });

  test("of a title that no book has is refused", async () => {
    const service = shared();
    for (const title of ["A", "", "\0", "\uD800"]) {
      expect((await service.adjustStock(title, 1)).data.adjustStock).toMatchObject({
        __typename: "BookNotFoundError",
        notFound: title,
      });
    }
  });

  test("by what is no Int is no request", async () => {
    const service = shared();
    for (const by of [MOST + 1, LEAST - 1, 0.5, "1", null]) {
      const { errors, data } = await service.send(ADJUST_STOCK, { variables: { title: "A", by } });
      expect(errors).toMatchObject([{ message: expect.stringMatching(/Int/), extensions: { code: "BAD_USER_INPUT" } }]);
      expect(data).toBeUndefined();
    }
  });

  test("many at once, through several processes, each count", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const services = await Promise.all([1, 2, 3].map(() => startService({ DATABASE_URL })));
    await services[0]?.addBook("A", { stockQuantity: 20 });
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => services[i % 3]?.adjustStock("A", i % 2 === 0 ? -1 : 1)),
    );
    const refused = answers.filter((answer) => answer?.data.adjustStock.__typename === "InsufficientStockError").length;
    expect((await services[0]?.book("A"))?.data.book).toMatchObject({
      stockQuantity: 20 + refused,
      version: 61 - refused,
    });
  });
});
