import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BookTable, bookKey, connectToRedis, listKey, ready } from "./support.ts";

/**
 * The raw limit: what Node's HTTP server and ioredis can do, without GraphQL. Redis holds whole response bodies, and
 * they pass through as bytes. The request is parsed as JSON and its query is not looked at: a stock is a write, a title
 * a point read, anything else the list.
 *
 * A write is the cheapest that is as durable as everyone's: one prepared UPDATE with a commit of its own, and then the
 * new response body into Redis.
 */
const redis = connectToRedis();
const table = new BookTable();

const NONE = Buffer.from('{"data":{"book":null}}');

async function answer(body: string): Promise<Buffer> {
  const { title, stock } = JSON.parse(body).variables ?? {};
  if (stock !== undefined) return update(title, stock);
  if (title !== undefined) return (await redis.getBuffer(bookKey(title))) ?? NONE;
  return (await redis.getBuffer(listKey)) as Buffer;
}

async function update(title: string, stock: number): Promise<Buffer> {
  const book = table.setStock(title, stock);
  if (!book) return Buffer.from('{"data":{"updateBook":{"__typename":"BookNotFoundError"}}}');
  await redis.set(bookKey(title), JSON.stringify({ data: { book } }));
  const { stockQuantity, version } = book;
  return Buffer.from(JSON.stringify({ data: { updateBook: { __typename: "Book", title, stockQuantity, version } } }));
}

const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => {
    body += chunk;
  });
  request.on("end", async () => {
    try {
      const bytes = await answer(body);
      response.writeHead(200, { "content-type": "application/json", "content-length": bytes.length }).end(bytes);
    } catch (error) {
      console.error(error);
      response.writeHead(500).end();
    }
  });
});

server.listen(0, "127.0.0.1", () => ready((server.address() as AddressInfo).port));
