internal import ArgumentParser
internal import CairnBlocks
internal import CairnVolumes

/// `cairn check`: whether a store is sound.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check that every structure of a store is sound; --deep reads and verifies all data too.",
    discussion: """
      Changes nothing. Prints what is wrong, one finding on each line, then what was looked at; exit status 3 when \
      anything is wrong.

      --json keys: kind, volume, block, key, text for a finding; at the end clean, findings, deep, volumes, \
      transactions, entries, blocks, dataBytes.
      """
  )

  @OptionGroup var store: StoreArguments

  @Flag(help: "Read all data and compare them with their digests.")
  var deep = false

  @Flag(help: "One JSON object for each line.")
  var json = false

  func run() throws {
    let progress = ProgressBar("checking", isShown: deep && Terminal.hasErrorStream)
    let report = try store.reading { store in
      let blockByteCount = UInt64(store.space.blockByteCount)
      return try store.check(deep: deep) { state in
        progress.show(
          done: state.blockCount &* blockByteCount, total: state.totalBlockCount &* blockByteCount)
      }
    }
    progress.clear()

    var output = StandardOutput()
    for finding in report.findings {
      if json { try output.line(Self.object(finding)) } else { try output.line(Text.visible(finding.description)) }
    }
    if json { try output.line(Self.object(report)) } else { try output.line(Self.summary(report)) }
    try output.flush()
    if !report.isClean {
      throw Failure(
        "\(store.image.path.text) is damaged: \(report.findingCount) findings; restore it from a copy", .damaged)
    }
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
}
