/** What a process writes to its log when all threads of its that were struck have ended. */
export const THREADS_ENDED = "all threads that were struck have ended";
