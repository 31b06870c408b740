import type { Builder } from "../../graphql/builder.ts";
import { rowIdOf } from "../../graphql/global-ids.ts";
import type { defineBookChange } from "../book-change-type.ts";
import { titleKey } from "../book-keys.ts";
import { bookQueries } from "./book-query-handler.ts";

export function defineBookSubscriptions(builder: Builder, bookChange: ReturnType<typeof defineBookChange>): void {
  builder.subscriptionFields((t) => ({
    bookChanges: t.field({
      type: bookChange,
      description:
        "Every change of a book as it is made: each once, in the order of revisions, without a gap. While nothing happens that is asked for, a change of the kind CHECKPOINT comes now and then; it is not of any book, and its `revision` is where to go on from.",
      args: {
        since: t.arg({
          type: "Revision",
          description:
            "The revision of the last change that is known already: what came after it is told first. Without it, what happens from now on is told.",
        }),
        title: t.arg.string({ description: "Only changes of a book that had this title before, or has it after." }),
        id: t.arg.id({ description: "Only changes of the book with this `id`." }),
      },
      subscribe: (_, { since, title, id }, context) =>
        bookQueries.of(context).follow(
          {
            // what a browser that comes back by itself says is newer than what its page said at first
            ...((context.resumeAt ?? since) != null && { since: Number(context.resumeAt ?? since) }),
            ...(title != null && { title: titleKey(title) }),
            ...(id != null && { id: rowIdOf("Book", id) }),
          },
          context.consistency,
        ),
      resolve: (event, _, context) => bookQueries.of(context).told(event, context.consistency),
    }),
  }));
}
