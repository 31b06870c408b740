/** What an `Int` of GraphQL and an integer of either database hold. */
export const MAX_STOCK = 2_147_483_647;
