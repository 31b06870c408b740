/** Redis answered, but what it holds cannot be believed. */
export class Unsound extends Error {}

/** It is of another history than this database's: of a copy, or from before a restore. */
export class ForeignHistory extends Unsound {}

/** A row is not what was written there. Mark and sizes do not show it, so it is found by reading that row alone. */
export class Garbled extends Unsound {}
