/**
 * The sentences of the rules in docs/promise.md that the model knows, each of which can be taken out. A docstring says the rule,
 * its number, and what happens instead without it.
 */
export interface Rules {
  /** Rule 1: a change is applied on top of its predecessor's mark only. Out: whatever the mark is. */
  readonly applyOnPredecessorsMark: boolean;
  /** Rule 1: a gap is refused and filled from the log. Out: a change is applied on top of any lower revision. */
  readonly applyWithoutGaps: boolean;
  /** Rule 1: rows and mark change together, in one script. Out: the mark first, then the rows. */
  readonly applyInOneScript: boolean;
  /** Rule 1: when the log does not continue from the mark, the check of the name is forgotten. Out: it stands. */
  readonly forgetCheckOfUnsound: boolean;

  /** Rule 2: one command returns the answer and the mark that it is true at. Out: the rows first, then the mark. */
  readonly markWithAnswer: boolean;
  /** Rule 2: an answer counts only if its revision is at least `head`. Out: whatever its revision is. */
  readonly answerReachesHead: boolean;
  /** Rule 2: the read model must hold what the database told of. Out: a revision is enough, of whatever history. */
  readonly answerHoldsHead: boolean;
  /** Rule 2: a hash without a mark answers nothing. Out: what is not in it does not exist. */
  readonly noAnswerWithoutMark: boolean;
  /** Rule 2: a list counts only if both sizes agree. Out: it is what the order holds. */
  readonly listComparesSizes: boolean;
  /** Rule 2: a read never joins one that was sent before it began. Out: it takes the answer of the one under way. */
  readonly readJoinsNoEarlier: boolean;
  /** Rule 2: a read ends with its connection. Out: it is sent again over the next one. */
  readonly readEndsWithConnection: boolean;

  /** Rule 3: a look-up counts from when it began. Out: from when its reply arrived. */
  readonly lookupCountsFromItsBegin: boolean;
  /** Rule 3: the lease is compared with the clock at each read. Out: a timer clears a flag, when it comes to run. */
  readonly leaseComparedAtEachRead: boolean;
  /** Rule 3: a failed look-up leaves the record alone. Out: it renews it, as no news is good news. */
  readonly failedLookupLeavesRecord: boolean;
  /** Rule 3: a record is replaced whole. Out: a late reply replaces revision and name, and the newer begin stays. */
  readonly recordReplacedWhole: boolean;
  /** Rule 3: a record is replaced only by one that began later. Out: by each that arrives. */
  readonly recordReplacedByLaterOnly: boolean;
  /** Rule 3: look-ups ask the primary. Out: a standby, which may lag. */
  readonly lookupOnPrimary: boolean;
  /** Rule 3: a look-up counts for the lease that it returned itself. Out: for the one that this process is configured with. */
  readonly leaseOfLookup: boolean;
  /** Rule 3: the lease is only ever raised. Out: it may be lowered. */
  readonly leaseOnlyRaised: boolean;
  /** Rule 3: `head` includes the record's revision. */
  readonly headIncludesRecord: boolean;
  /** Rule 3: `head` includes this process's own commits. */
  readonly headIncludesOwnCommits: boolean;
  /** Rule 3: `head` includes what this process has shown. */
  readonly headIncludesShown: boolean;
  /** Rule 3: Redis is read only if its server run is the one in the name. Out: whichever it is. */
  readonly readComparesServer: boolean;
  /** Rule 3: a look-up counts only if it began after the connection was ready. Out: whenever it began. */
  readonly lookupAfterConnection: boolean;
  /** Rule 3: a name is read only after its mark was found in the log. Out: at once. */
  readonly markFoundInLog: boolean;
  /** Rule 3: a look-up asks whether the newest mark that was met is in the log. Out: that is asked once for each name. */
  readonly lookupAsksForMark: boolean;
  /** Rule 3: a mark that a trimmed log does not reach back to is none of its. Out: it is taken for an older one of this history. */
  readonly trimmedMarkIsUnknown: boolean;
  /** Rule 3: a query of the log that fails says nothing. Out: it says that the mark is sound. */
  readonly failedCheckSaysNothing: boolean;

  /** Rule 4: at once only under a name known for a lease. Out: however new the name is to this process. */
  readonly nameKnownForLease: boolean;
  /** Rule 4: how long a name is known counts anew after a restart. Out: the first name found is taken for an old one. */
  readonly nameKnownAnewAfterRestart: boolean;
  /** Rule 4: the name is the one that the own transaction returned. Out: the one known before. */
  readonly nameOfOwnTransaction: boolean;
  /** Rule 4: at once only if the refresh was confirmed. Out: as soon as it is sent. */
  readonly refreshConfirmed: boolean;
  /** Rule 4: a newer mark than the commit's own confirms it only if it is in the log. Out: whatever it is. */
  readonly newerMarkInLog: boolean;
  /** Rule 4: a refresh counts only if its server run is the one in the name. Out: whichever it is. */
  readonly refreshComparesServer: boolean;
  /** Rule 4: a repeat is acknowledged as a commit of what it found would be. Out: at once, for nothing was changed. */
  readonly repeatIsAcknowledgedAlike: boolean;
  /** Rule 4: a late acknowledgement counts from after the commit. Out: from when the command began. */
  readonly leaseCountsFromCommit: boolean;
  /** Rule 4: the lease waited for is the own transaction's. Out: the one that this process is configured with. */
  readonly leaseOfOwnTransaction: boolean;
  /** Rule 4: a process without Redis waits for the lease, too. Out: it acknowledges at once. */
  readonly withoutRedisWaits: boolean;
  /** Introduction: the name is never null again. Out: it may be set back while processes run. */
  readonly nameNeverNullAgain: boolean;
  /** Introduction: a name never comes back. Out: a sound older copy may be put in force again. */
  readonly nameNeverComesBack: boolean;

  /** Rule 5: a rebuild writes under a name of its own. Out: into the keys of the name in force. */
  readonly rebuildUnderNewName: boolean;
  /** Rule 5: the copy's rows and its mark are from one snapshot. Out: the mark is read when the rows have been copied. */
  readonly rebuildFromOneSnapshot: boolean;
  /** Rule 5: a portion whose outcome is unknown ends the attempt. Out: it is sent again. */
  readonly rebuildEndsWithUnknownOutcome: boolean;
  /** Rule 5: the mark is written last. Out: first. */
  readonly rebuildWritesMarkLast: boolean;
  /** Rule 5: at the end, both keys must hold as many rows as the snapshot. Out: they are not counted. */
  readonly rebuildCountsRows: boolean;
  /** Rule 5: a name is put in force when its copy is complete. Out: at any time. */
  readonly rebuildCompleteBeforeInForce: boolean;
  /** Rule 5: a name is put in force by compare-and-set. Out: whichever name is in force by then. */
  readonly rebuildByCompareAndSet: boolean;
}

export const everyRule: Rules = {
  applyOnPredecessorsMark: true,
  applyWithoutGaps: true,
  applyInOneScript: true,
  forgetCheckOfUnsound: true,
  markWithAnswer: true,
  answerReachesHead: true,
  answerHoldsHead: true,
  noAnswerWithoutMark: true,
  listComparesSizes: true,
  readJoinsNoEarlier: true,
  readEndsWithConnection: true,
  lookupCountsFromItsBegin: true,
  leaseComparedAtEachRead: true,
  failedLookupLeavesRecord: true,
  recordReplacedWhole: true,
  recordReplacedByLaterOnly: true,
  lookupOnPrimary: true,
  leaseOfLookup: true,
  leaseOnlyRaised: true,
  headIncludesRecord: true,
  headIncludesOwnCommits: true,
  headIncludesShown: true,
  readComparesServer: true,
  lookupAfterConnection: true,
  markFoundInLog: true,
  lookupAsksForMark: true,
  trimmedMarkIsUnknown: true,
  failedCheckSaysNothing: true,
  nameKnownForLease: true,
  nameKnownAnewAfterRestart: true,
  nameOfOwnTransaction: true,
  refreshConfirmed: true,
  newerMarkInLog: true,
  refreshComparesServer: true,
  repeatIsAcknowledgedAlike: true,
  leaseCountsFromCommit: true,
  leaseOfOwnTransaction: true,
  withoutRedisWaits: true,
  nameNeverNullAgain: true,
  nameNeverComesBack: true,
  rebuildUnderNewName: true,
  rebuildFromOneSnapshot: true,
  rebuildEndsWithUnknownOutcome: true,
  rebuildWritesMarkLast: true,
  rebuildCountsRows: true,
  rebuildCompleteBeforeInForce: true,
  rebuildByCompareAndSet: true,
};
