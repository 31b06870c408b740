import type { Rules } from "./rules.ts";
import type { scenarios } from "./scenarios.ts";

/** A rule taken out: what is left of it, why that is not enough, and the scenario that shows it. */
export interface Ablation {
  /** The number of the rule in docs/promise.md; 0 is what comes before them. */
  readonly rule: number;
  readonly without: readonly (keyof Rules)[];
  /** What happens instead. */
  readonly title: string;
  readonly why: string;
  readonly scenario: (typeof scenarios)[number]["name"];
}

/** Each of these breaks the promise. */
export const ablations: readonly Ablation[] = [
  {
    rule: 0,
    without: ["nameNeverNullAgain"],
    title: "The name is set back to null",
    why: "Null lets a command acknowledge at once, while others still read under the name that they have in a record.",
    scenario: "one process without Redis",
  },
  {
    rule: 0,
    without: ["nameNeverComesBack"],
    title: "A name comes back",
    why: "A process that missed the name in between takes this one for long known, while others still read under that one.",
    scenario: "a new name",
  },
  {
    rule: 1,
    without: ["applyOnPredecessorsMark"],
    title: "A change is applied whatever the mark is",
    why: "Changes arrive in any order; the older one, arriving last, undoes the newer one.",
    scenario: "two writers",
  },
  {
    rule: 1,
    without: ["applyWithoutGaps"],
    title: "A change is applied on top of any older mark",
    why: "The mark then vouches for changes that have not arrived.",
    scenario: "two writers",
  },
  {
    rule: 1,
    without: ["applyInOneScript"],
    title: "The mark is written first, then the rows",
    why: "A read in between finds old rows under a new mark.",
    scenario: "two writers",
  },
  {
    rule: 1,
    without: ["forgetCheckOfUnsound"],
    title: "A read model that was found to be of another history is still believed",
    why: "A copy of the database has taken it over, and goes on with it.",
    scenario: "a copied database, rebuilt",
  },
  {
    rule: 2,
    without: ["markWithAnswer"],
    title: "The rows are read first, then the mark",
    why: "A change in between makes old rows look new.",
    scenario: "own order",
  },
  {
    rule: 2,
    without: ["answerReachesHead"],
    title: "An answer counts whatever its revision is",
    why: "A copy may lag: a lost refresh is acknowledged when its lease is over.",
    scenario: "late replies",
  },
  {
    rule: 2,
    without: ["answerHoldsHead"],
    title: "An answer counts by its revision alone",
    why: "A copy of the database goes on in a history of its own, over the same Redis, and its revisions may be the higher ones.",
    scenario: "a copied database",
  },
  {
    rule: 2,
    without: ["noAnswerWithoutMark"],
    title: "A hash without a mark reads as no such book",
    why: "Redis forgets: it is flushed, evicts, restarts empty.",
    scenario: "a copy in portions",
  },
  {
    rule: 2,
    without: ["listComparesSizes"],
    title: "A list is what the order holds",
    why: "Redis evicts hash and sorted set one at a time; the mark, in the hash, does not know of the other.",
    scenario: "lists",
  },
  {
    rule: 2,
    without: ["readJoinsNoEarlier"],
    title: "A read joins one that is under way",
    why: "That one was allowed when it began; by now its lease is over and newer revisions are acknowledged.",
    scenario: "late replies",
  },
  {
    rule: 2,
    without: ["readEndsWithConnection"],
    title: "A read is sent again after a reconnect, and the answer counts",
    why: "What was proved when it began was proved of another connection, which may have led to another server.",
    scenario: "a restarted Redis",
  },
  {
    rule: 3,
    without: ["lookupCountsFromItsBegin"],
    title: "A look-up counts from its reply",
    why: "The reply may be late; what it says is as old as the question.",
    scenario: "late replies",
  },
  {
    rule: 3,
    without: ["leaseComparedAtEachRead"],
    title: "A timer clears a flag when the lease is over",
    why: "A process that was paused wakes up with the flag, and a read may come before the timer.",
    scenario: "late replies",
  },
  {
    rule: 3,
    without: ["failedLookupLeavesRecord"],
    title: "A failed look-up renews the record",
    why: "No news is no good news.",
    scenario: "late replies",
  },
  {
    rule: 3,
    without: ["recordReplacedWhole"],
    title: "A late reply replaces revision and name, and the newer begin stays",
    why: "What an old look-up says then counts for as long as a new one.",
    scenario: "late replies",
  },
  {
    rule: 3,
    without: ["lookupOnPrimary"],
    title: "Look-ups ask a standby",
    why: "It may lag behind the commit that is acknowledged.",
    scenario: "late replies",
  },
  {
    rule: 3,
    without: ["leaseOfLookup"],
    title: "A look-up counts for the configured lease",
    why: "Others wait for the lease in the row; a longer one in the configuration of this process is unknown to them.",
    scenario: "a raised lease",
  },
  {
    rule: 3,
    without: ["leaseOnlyRaised"],
    title: "The lease is lowered",
    why: "Look-ups that returned the longer one still count for it.",
    scenario: "a raised lease",
  },
  {
    rule: 3,
    without: ["headIncludesRecord"],
    title: "Head leaves out the record's revision",
    why: "Waiting for a lease only helps if the look-up that everybody makes meanwhile is heeded.",
    scenario: "late replies",
  },
  {
    rule: 3,
    without: ["headIncludesOwnCommits"],
    title: "Head leaves out own commits",
    why: "A client reads through this process what it has just written through it, acknowledged or not.",
    scenario: "own order",
  },
  {
    rule: 3,
    without: ["headIncludesShown"],
    title: "Head leaves out what was shown",
    why: "What the database answered may not have reached Redis; time would seem to run backwards.",
    scenario: "own order",
  },
  {
    rule: 3,
    without: ["readComparesServer"],
    title: "Redis is read on whichever server there is",
    why: "Another server may hold an older copy under the same name.",
    scenario: "two servers",
  },
  {
    rule: 3,
    without: ["lookupAfterConnection"],
    title: "A look-up counts that began before the connection was ready",
    why:
      "A master that becomes a replica closes its connections and takes over an older copy, within one server run; " +
      "what was confirmed before is known to a later look-up only.",
    scenario: "a failover",
  },
  {
    rule: 3,
    without: ["markFoundInLog"],
    title: "No mark is looked for in the log",
    why: "After a restore Redis still holds the lost history, under the same name and with higher revisions.",
    scenario: "a restored database",
  },
  {
    rule: 3,
    without: ["lookupAsksForMark"],
    title: "A mark is looked for in the log once for each name, and never again",
    why: "A copy of the database may take the read model over at any later time.",
    scenario: "a copied database",
  },
  {
    rule: 3,
    without: ["failedCheckSaysNothing"],
    title: "A query of the log that fails is taken for a mark that is found",
    why: "It says nothing.",
    scenario: "a restored database, rebuilt",
  },
  {
    rule: 4,
    without: ["refreshConfirmed"],
    title: "A command is acknowledged when its refresh is sent",
    why: "It may arrive late or never.",
    scenario: "own order",
  },
  {
    rule: 4,
    without: ["newerMarkInLog"],
    title: "A refresh is confirmed by any newer mark",
    why: "It may be that of a copy of the database, which has never heard of this command; others still read there.",
    scenario: "a copied database, written twice",
  },
  {
    rule: 4,
    without: ["nameKnownForLease"],
    title: "A command is acknowledged early under a name known for less than a lease",
    why: "Others may still read under the name before, which is not refreshed any more.",
    scenario: "a new name, slowly",
  },
  {
    rule: 4,
    without: ["nameKnownAnewAfterRestart"],
    title: "The first name found after a restart is taken for an old one",
    why: "It may have been put in force a moment ago.",
    scenario: "a restarted process",
  },
  {
    rule: 4,
    without: ["nameOfOwnTransaction"],
    title: "A command refreshes the name known before its own transaction",
    why: "Another one may have come in force since, and others may read under it already.",
    scenario: "a new name, slowly",
  },
  {
    rule: 4,
    without: ["refreshComparesServer"],
    title: "A refresh counts on whichever server it was made",
    why: "The others read on the server in the name.",
    scenario: "two servers",
  },
  {
    rule: 4,
    without: ["repeatIsAcknowledgedAlike"],
    title: "A repeat is acknowledged when it has found what was committed",
    why: "Whoever committed it may not have refreshed the read model yet, and may never do so.",
    scenario: "a repeated command",
  },
  {
    rule: 4,
    without: ["leaseCountsFromCommit"],
    title: "A late acknowledgement counts from before the commit",
    why: "Look-ups that began before the commit do not know of it, and count for a whole lease.",
    scenario: "late replies",
  },
  {
    rule: 4,
    without: ["leaseOfOwnTransaction"],
    title: "A command waits for the configured lease",
    why: "The row's lease may have been raised, and others count by that.",
    scenario: "a raised lease",
  },
  {
    rule: 4,
    without: ["withoutRedisWaits"],
    title: "A process without Redis acknowledges at once",
    why: "Others read Redis, which it does not refresh.",
    scenario: "one process without Redis",
  },
  {
    rule: 5,
    without: ["rebuildUnderNewName"],
    title: "A rebuild writes into the keys in force",
    why: "Its snapshot is older than what commands have confirmed there meanwhile.",
    scenario: "three processes",
  },
  {
    rule: 5,
    without: ["rebuildFromOneSnapshot"],
    title: "The mark is read when the rows have been copied",
    why: "It then vouches for commits that the rows do not have.",
    scenario: "a new name, slowly",
  },
  {
    rule: 5,
    without: ["rebuildEndsWithUnknownOutcome"],
    title: "A portion whose outcome is unknown is sent again",
    why: "The first one may arrive when the copy is in force and newer.",
    scenario: "the first name",
  },
  {
    rule: 5,
    without: ["rebuildCountsRows"],
    title: "The rows of a copy are not counted",
    why: "Redis may have forgotten the first portions before the last one came.",
    scenario: "a copy in portions",
  },
  {
    rule: 5,
    without: ["rebuildWritesMarkLast", "rebuildCompleteBeforeInForce"],
    title: "A copy is marked and put in force before it is complete",
    why: "What is not there yet reads as no such book.",
    scenario: "a copy in portions",
  },
];

/** Each of these breaks nothing in any scenario. Why they are rules nevertheless. */
export const redundancies: readonly Ablation[] = [
  {
    rule: 3,
    without: ["recordReplacedByLaterOnly"],
    title: "A record is replaced whole by an earlier look-up",
    why: "It is then as good as if the later one had failed: the database answers more often, and nothing is wrong.",
    scenario: "late replies",
  },
  {
    rule: 5,
    without: ["rebuildWritesMarkLast"],
    title: "The mark of a copy is written first",
    why: "Nobody reads a name that is not in force; see the rule that is taken out together with this one.",
    scenario: "a copy in portions",
  },
  {
    rule: 5,
    without: ["rebuildCompleteBeforeInForce"],
    title: "A name is put in force before its copy is complete",
    why: "Without its mark nobody believes it; see the rule that is taken out together with this one.",
    scenario: "a copy in portions",
  },
  {
    rule: 5,
    without: ["rebuildByCompareAndSet"],
    title: "A name is put in force whichever is in force",
    why: "It is a new name either way; compare-and-set keeps two processes from replacing each other's without end.",
    scenario: "a new name",
  },
];
