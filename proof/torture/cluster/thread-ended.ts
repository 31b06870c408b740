/** What a process writes to its log when a thread of its has ended. */
export const THREAD_ENDED = "a thread has ended";
