internal import ArgumentParser
internal import CairnBlocks
internal import CairnMemory
internal import CairnVolumes

/// `cairn check`: whether a store is sound, and what can be saved of one that is not.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check that every structure of a store is sound; --deep reads and verifies all data too.",
    discussion: """
      Changes nothing. Prints what is wrong, one finding on each line, then what was looked at; exit status 3 when \
      anything is wrong.

      --repair-to makes a new image of what still verifies: objects with their metadata, rows of tables, blocks of disks, \
      volumes, grants. What does not verify is left out and printed, one line for each thing; nothing is repaired in place. Open \
      transactions are rolled back in the copy and printed, too. Exit status 0 when nothing was lost, 3 otherwise.

      --json keys: kind, volume, block, key, text for a finding; at the end clean, findings, deep, volumes, \
      transactions, entries, blocks, dataBytes. With --repair-to: lost (true), volume, block, key, text for a loss; at \
      the end whole, losses, volumes, items, bytes.
      """
  )

  @OptionGroup var store: StoreArguments

  @Flag(help: "Read all data and compare them with their digests.")
  var deep = false

  @Flag(help: "One JSON object for each line.")
  var json = false

  @Option(help: ArgumentHelp("Make a new image of what still verifies.", valueName: "copy"))
  var repairTo: ArgumentBytes?

  func validate() throws {
    if repairTo != nil && store.principal != nil { throw ValidationError("--repair-to is for the owner of the store.") }
  }

  func run() throws {
    if let repairTo { try salvage(to: repairTo.path) } else { try check() }
  }

  // MARK: Checking

  private func check() throws {
    let progress = ProgressBar("checking")
    var output = StandardOutput()
    let report: CheckReport
    do throws(StorageError) {
      report = try look { state, blockByteCount in
        progress.show(done: state.blockCount &* blockByteCount, total: state.totalBlockCount &* blockByteCount)
      }
    } catch {
      progress.clear()
      guard case .damaged(let damage) = error else { throw Failure(error, image: store.image.path) }
      // So damaged that nothing more can be said.
      try print(
        CheckFinding(kind: .damage, block: damage.block, text: damage.reason.description), to: &output)
      try output.flush()
      throw Failure(error, image: store.image.path)
    }
    progress.clear()

    for finding in report.findings { try print(finding, to: &output) }
    if json { try output.line(Self.object(report)) } else { try output.line(Self.summary(report)) }
    try output.flush()
    if !report.isClean {
      throw Failure(
        "\(store.image.path.text) is damaged: \(report.findingCount) findings; "
          + "restore it from a copy, or save what verifies with --repair-to", .damaged)
    }
  }

  /// Bytes of cached blocks: a check comes by each block once, so more would not help. But blocks that changed in the ring are
  /// in memory until they are home, where a check brings none: an image with many of them gets more, in steps.
  private static let memoryBudget = 32 << 20
  private static let memoryBudgetMax = 2 << 30

  func look(
    _ progress: @escaping (CheckProgress, UInt64) -> Void, memoryBudget: Int = Self.memoryBudget
  ) throws(StorageError) -> CheckReport {
    var budget = memoryBudget
    while true {
      do throws(StorageError) { return try look(progress, within: budget) } catch {
        guard case .memoryBudgetExceeded = error, budget < Self.memoryBudgetMax else { throw error }
        budget *= 4
      }
    }
  }

  private func look(
    _ progress: @escaping (CheckProgress, UInt64) -> Void, within memoryBudget: Int
  ) throws(StorageError) -> CheckReport {
    let path: String
    do { path = try store.image.path.string } catch { throw .memory(.notFound(path: store.image.path.text)) }
    let memory: FileMemory
    do throws(MemoryError) { memory = try FileMemory.open(path: path, mode: .readOnly) } catch { throw .memory(error) }
    defer { memory.close() }
    var options = try store.options(isReadOnly: true)
    options.device.memoryBudget = memoryBudget
    let opened = try Store.open(on: memory, options: options)
    let blockByteCount = UInt64(opened.blockByteCount)
    let report = try opened.check(deep: deep) { (state) throws(StorageError) in progress(state, blockByteCount) }
    try opened.close()
    return report
  }

  private func print(_ finding: CheckFinding, to output: inout StandardOutput) throws {
    if json { try output.line(Self.object(finding)) } else { try output.line(Text.visible(finding.description)) }
  }

  private static func summary(_ report: CheckReport) -> String {
    let state = report.isClean ? "clean" : "damaged"
    return "\(state): \(report.volumeCount) volumes, \(report.entryCount) entries, \(report.reachedBlockCount) blocks, "
      + "\(ByteSize.text(report.dataByteCount)) of data\(report.isDeep ? ", all verified" : "")"
  }

  private static func object(_ finding: CheckFinding) -> JSONLine {
    var line = JSONLine()
    line.add("kind", finding.kind.rawValue)
    line.add("volume", finding.volume)
    if let block = finding.block { line.add("block", block.rawValue) }
    if !finding.key.isEmpty { line.add(bytes: finding.key, "key") }
    line.add("text", finding.text)
    return line
  }

  private static func object(_ report: CheckReport) -> JSONLine {
    var line = JSONLine()
    line.add("clean", report.isClean)
    line.add("findings", report.findingCount)
    line.add("deep", report.isDeep)
    line.add("volumes", report.volumeCount)
    line.add("transactions", report.transactionCount)
    line.add("entries", report.entryCount)
    line.add("blocks", report.reachedBlockCount)
    line.add("dataBytes", report.dataByteCount)
    return line
  }

  // MARK: Salvaging

  private func salvage(to copy: Path) throws {
    let progress = ProgressBar("salvaging")
    let losses = LossPrinter(isJSON: json)
    let report = try store.explaining { () throws -> SalvageReport in
      let source = try FileMemory.open(path: try store.image.path.string, mode: .readOnly)
      defer { source.close() }
      return try NewImage.makeWhole(at: copy, byteCount: source.byteCount) { target in
        // What is wrong is wrong with the damaged image, not with the new one.
        try store.explaining {
          try Store.salvage(
            from: source, to: target, options: try store.options(isReadOnly: true),
            progress: { (state) throws(StorageError) in
              progress.show(done: state.blockCount, total: state.totalBlockCount)
            },
            lost: { (loss) throws(StorageError) in
              progress.clear()
              losses.print(loss)
            })
        }
      }
    }
    progress.clear()
    try losses.finish(report)
    if !report.isWhole {
      throw Failure(
        "\(copy.text) has what was left of \(store.image.path.text): \(report.lossCount) things were lost", .damaged)
    }
  }
}

/// Prints losses as they are found.
private final class LossPrinter {
  private let isJSON: Bool
  private var output = StandardOutput()
  /// What went wrong with printing; the salvage goes on, and it is told at the end.
  private var failure: (any Error)?

  init(isJSON: Bool) { self.isJSON = isJSON }

  func print(_ loss: SalvageLoss) {
    do { try line(loss) } catch { failure = failure ?? error }
  }

  private func line(_ loss: SalvageLoss) throws {
    guard isJSON else { return try output.line(Text.visible(loss.description)) }
    var line = JSONLine()
    line.add("lost", true)
    line.add("volume", loss.volume)
    if let block = loss.block { line.add("block", block.rawValue) }
    if !loss.key.isEmpty { line.add(bytes: loss.key, "key") }
    line.add("text", loss.text)
    try output.line(line)
  }

  /// Prints what was brought over.
  func finish(_ report: SalvageReport) throws {
    if let failure { throw failure }
    if isJSON {
      var line = JSONLine()
      line.add("whole", report.isWhole)
      line.add("losses", report.lossCount)
      line.add("volumes", report.volumeCount)
      line.add("items", report.itemCount)
      line.add("bytes", report.byteCount)
      try output.line(line)
    } else {
      try output.line(
        "\(report.isWhole ? "whole" : "not whole"): \(report.volumeCount) volumes, \(report.itemCount) items, "
          + "\(ByteSize.text(report.byteCount)), \(report.lossCount) losses")
    }
    try output.flush()
  }
}
