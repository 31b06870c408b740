import { accessSync, constants, statfsSync } from "node:fs";

/** Where Linux has files in memory. */
const MEMORY = "/dev/shm";
/** What a run takes there at most, and as much again for each that may run beside it: 130 MB were seen. Bytes. */
const ROOM = 1e9;

/**
 * Names in TEST_DATABASES where tests have their databases: in memory if there is room, for a commit to a disk is half of what
 * many of them wait for, and none asks what is left when a machine loses its power.
 */
export default function keepDatabasesInMemory(): void {
  if (hasRoom()) process.env.TEST_DATABASES = MEMORY;
}

function hasRoom(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return Math.min(bavail * bsize, process.availableMemory()) >= ROOM;
  } catch {
    return false;
  }
}
