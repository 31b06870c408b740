import { accessSync, constants, statfsSync } from "node:fs";

/** Where Linux has files in memory. */
const MEMORY = "/dev/shm";
/** What a run takes there at most, and as much again for each that may run beside it: 400 MB were seen. Bytes. */
const ROOM = 1e9;

/**
 * Has the run keep its temporary files in memory if there is room: a commit to a disk is half of what many tests wait for, to
 * make the thousands of files of their databases takes a disk a tenth of the run, and none asks what is left when a machine
 * loses its power.
 */
export function keepFilesInMemory(): void {
  if (hasRoom()) process.env.TMPDIR = MEMORY;
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
