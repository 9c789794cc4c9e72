/// A bug that can be planted, which rule it breaks, and the traces that should show it.
///
/// The switches themselves stand in `PlantedBug.swift` of the layer that they break.
struct PlantedBugEntry: Sendable {
  /// The switch.
  let name: String
  /// The rule of DESIGN.md's journal protocol by its number, or what else is broken.
  let rule: String
  /// Where and what to run.
  let traces: [(rig: String, trace: String)]

  /// - Parameter traces: In the short form, each with its rig and a slash before it unless it is the small one.
  private init(_ name: String, rule: String, _ traces: [String]) {
    self.name = name
    self.rule = rule
    self.traces = traces.map { text in
      let parts = text.split(separator: "/")
      let rig = parts.count == 2 ? String(parts[0]) : "small"
      let trace = String(parts[parts.count - 1])
      return (rig, rig == "store" ? trace : DeviceRig.steps(trace))
    }
  }

  static let all: [PlantedBugEntry] = [
    // Durability
    .init("skipCommitFlush", rule: "durability", ["aacc!", "axc!"]),
    .init("flushBeforeRecords", rule: "durability", ["aacc!", "axc!"]),
    .init("publishBeforeFlush", rule: "readers", ["aac", "acs!"]),
    .init("skipCheckpointFlush", rule: "durability", ["aacck!cck!", "aacckc!"]),
    .init("retryFailedFlush", rule: "durability", ["aacZcK", "aacZc!", "axcZxK"]),
    .init("ignoreWriteError", rule: "durability", ["aacEcK", "acEoK"]),
    .init("goOnAfterFailure", rule: "durability", ["aacZ", "aacEc"]),
    // The chain, rule 1
    .init("alarmAtOwnFlush", rule: "1", ["aaaC!", "wide/aaag!"]),
    .init("neverAlarm", rule: "1", ["aacccccQ", "wide/aacccccccQ"]),
    .init("numberWithinGroup", rule: "1", ["wide/aaag!", "wide/aaacg!"]),
    .init("numberOfFlushBefore", rule: "1", ["aacccccQ", "aagCQ", "wide/aagcQ"]),
    .init("ignoreChain", rule: "chain", ["aaccccccccccccccc!", "acccccccccccccccccccc!c!c!"]),
    .init("ignoreCommitChecksum", rule: "chain", ["aacccJ"]),
    .init("recordChecksumSkipsHeader", rule: "chain", ["aacccJ"]),
    .init("ignoreChangesChecksum", rule: "chain", ["big/aaaaC!", "big/aaaaCCC!"]),
    .init("acceptUnfinishedCommit", rule: "chain", ["aaay!", "aaay!y!", "aaaaoy!"]),
    // Images and homes, rules 2 to 4
    .init("imageAgainInBatch", rule: "2", ["aaccccccccccccc!", "aaccccccccccccccccccccc!", "aacccccccccccck!"]),
    .init("acceptStaleImages", rule: "3", ["aacckfckxxK", "aaaacckffckckxxxxKoK"]),
    .init(
      "imageUndurable", rule: "4", ["roomy/aaaaaab!xxK", "roomy/aaaaab!xxK", "roomy/aaaDb!xxK", "roomy/aaaab!xxK"]),
    .init("homeFromLiveVersion", rule: "4", ["aacccccccccccccc!", "aacccccccccc!", "aaaacccccccccccccccccc!"]),
    .init("homeBesideImage", rule: "4", ["aacck!", "aaaacccck!"]),
    .init("homeWithoutImage", rule: "4", ["aacck!", "aaaacccck!"]),
    // Segments, rule 5
    .init("forgetOldSegments", rule: "5", ["acK", "acKcK"]),
    .init("appendEverySegment", rule: "5", ["acoocoo", "acKoKcK"]),
    .init("ignoreSegmentEnd", rule: "5", ["aacccKQ", "wide/aacccccKQ"]),
    .init("neverFoldSegments", rule: "5", ["wide/acKcKcKcKcKcKcKcKcKcK"]),
    .init("foldedIsOneLife", rule: "5", ["wide/acKcKcKcKcKcKcKcKcKcK"]),
    .init("reuseEpoch", rule: "5", ["wide/aaaag!rK", "wide/aaaag!r!rK"]),
    // Recovery, rules 6 to 10
    .init("recoveryRewritesRing", rule: "6", ["aacc!cc!c!", "aaccKccK"]),
    .init("recoveryRewritesHomes", rule: "6", ["aacckcckc!ckk!", "aacccck!cccck!k!"]),
    .init("cleanAfterRecovery", rule: "6", ["aaccKko", "aaccKckoK"]),
    .init("resealTornHomes", rule: "6", ["aacck!", "aaaacccck!"]),
    .init("replayDifferences", rule: "6", ["aacck!", "aacccccccccc!"]),
    .init("recoverySkipsFirstFlush", rule: "7", ["acoK", "aaccoK", "acKcoK"]),
    .init("recoverySkipsLastFlush", rule: "7", ["aacKc!", "aacKcK", "aakKc!"]),
    .init("trustCache", rule: "8", ["aacZc!", "aaaZ!cZ!", "aaaZx!"]),
    .init("forgetDeferredFrees", rule: "9", ["aaacfKxKko", "aacffKxKko", "aafKxxKko"]),
    .init("leaveTornHomes", rule: "10", ["aacck!ck!ck!", "aaaacccck!cccck!cccck!"]),
    // Base zeros, rule 11
    .init("createdFromHome", rule: "11", ["aK", "aca!"]),
    .init("newerHomeBeatsZeros", rule: "11", ["acXdkcAK", "acXdkcAcK"]),
    // The second superblock and data, rules 12 and 13
    .init("newEpochInOneCopy", rule: "12", ["acoacR", "acKacR"]),
    .init("ignoreExternalDigests", rule: "13", ["ax!", "axx!", "wide/axg!"]),
    .init("dropOnlyUnbacked", rule: "13", ["wide/aaag!", "wide/aaxg!"]),
    .init("verifyAllExternal", rule: "13", ["axxccU", "axxKcU"]),
    .init("dropDespiteProof", rule: "13", ["aaxCP", "aaaxCP"]),
    .init("skipDataFlush", rule: "13", ["huge/aB!"]),
    // Dirty blocks and reuse, rules 14 and 15
    .init("cleanAfterHome", rule: "14", ["aacccccccccccccccccK", "aaccccccccccccccccccccccccK"]),
    .init(
      "settleFreedAtOnce", rule: "14",
      [
        "aaccccccf!ccccf!", "aaDDDDDDDf!DDDDDDDf!DDDDDDDf!DDDDDDDf!", "roomy/aaCCCCf!CCCCf!CCCCf!CCCCf!CCCCf!",
        "aaccccccccf!ccccccccf!ccccccccf!", "roomy/aacccccccf!cccccccf!cccccccf!", "aacccf!cccf!cccf!cccf!cccf!",
      ]),
    .init("reuseFreedAtOnce", rule: "15", ["aaacfxKko", "aaacfxxKko", "aaaacfxffxKko"]),
    .init("reuseRingAtNewestTail", rule: "15", ["aaaaaaaaDDD?", "aaaaaaaaDDDD?", "aaaaaaaaDDD?D?"]),
    .init("checkpointOneSuperblock", rule: "15", ["aaaaaaaaDDD?", "aaaaaaaaDDDD?", "aaaaaaaaDDD?D?"]),
    .init("tailBesideHome", rule: "15", ["aacck!", "aaccccccccccccc!"]),
    // Superblocks
    .init("oneSuperblock", rule: "superblock", ["aac!", "aacR"]),
    .init("bothSuperblocksAtOnce", rule: "superblock", ["aacck!", "aacccccccccccccc!"]),
    .init("homesBesideClose", rule: "superblock", ["aaccccccccccco!", "aaaaccccccccccco!"]),
    // Blocks and data
    .init("ignoreBlockNumber", rule: "misdirected", ["aaaaH"]),
    .init("ignoreGeneration", rule: "lost write", ["aakccL", "aaaakccccL"]),
    .init("forgetGeneration", rule: "lost write", ["aakckcL", "aaaakckccL"]),
    .init(
      "trustRebuiltGeneration", rule: "lost write",
      ["wide/aaak!cL", "wide/aaack!ccL", "aaxdccKc?L", "wide/aaccckKcL"]),
    .init(
      "trustFreedGeneration", rule: "lost write",
      ["wide/aaack!fkkaaL", "wide/aaack!ffkkaaaL", "wide/aaak!fckkaaL", "wide/aacck!fckckaaaL"]),
    .init("blockChecksumSkipsHeader", rule: "rot", ["aaaacW"]),
    .init("ignoreDataDigest", rule: "rot", ["axxcU"]),
    // Space, growth and cache
    .init("bitmapOutsideJournal", rule: "allocator", ["aaK", "axK"]),
    .init("leakWhenFull", rule: "allocator", ["axxxcm", "axcmm"]),
    .init("growAfterCommit", rule: "growth", ["acw!", "acwwK"]),
    .init("reuseUnderViews", rule: "readers", ["axxsddkxxxv", "axxsddkcxxxxxkxxxv"]),
    .init("dropVersionsInUse", rule: "readers", ["aacsccv", "aacscksccv"]),
    .init(
      "evictDirty", rule: "cache",
      ["cramped/" + String(repeating: "a", count: 80) + "ccccccccccccvccccccccccccvK"]),
    // Erasure
    .init("keepFreedBytes", rule: "erasure", ["aakzo", "axkzo", "aaskzo", "aaxxkzczo", "aaxskczko"]),
    .init("eraseBeforeFlush", rule: "erasure", ["aakz!", "aakzK", "aaxkz!"]),
    .init("eraseCompared", rule: "erasure", ["wide/aaGv!", "wide/aaaGe!", "wide/aaGvK"]),
    // Transactions of many calls
    .init("forgetStagedOperations", rule: "many calls", ["store/b0_s0_o_c0", "store/b0_s0_s0_K_c0"]),
    .init("publishStaged", rule: "many calls", ["store/b0_s0_o_c0"]),
    .init("clockRunsBack", rule: "many calls", ["store/b0_s0_T_b1_s1_F_c1", "store/b0_s0_T_o_b1_s1_F_c1"]),
    .init("leaveOrphans", rule: "many calls", ["store/b0_s0_t_t_t_e", "store/b0_s0_s0_t_t_t_o_b1_e"]),
    .init("repeatCall", rule: "many calls", ["store/b0_s0_S0_c0", "store/b0_s0_K_S0_c0"]),
    .init("forgetReads", rule: "many calls", ["store/w_b0_r0_s0_w_w_w_c0", "store/w_w_b0_b1_r0_r1_s0_s1_c0_c1"]),
    .init("forgetReadsOfFailedCall", rule: "many calls", ["store/w_b0_f0_s0_w_w_w_c0", "store/b0_s0_f0_w_w_K_w_c0"]),
    .init("forgetOutcome", rule: "many calls", ["store/b0_s0_c0_K_C0", "store/b0_s0_q0_C0"]),
    .init("holdNothing", rule: "many calls", ["store/b0_r0_s0_p0_w_w_w_c0", "store/b0_s0_p0_K_w_w_c0"]),
    .init("leakStagedData", rule: "many calls", ["store/b0_s0_s0_q0", "store/b0_s0_s0_s0_t_t_t_e"]),
  ]
}
