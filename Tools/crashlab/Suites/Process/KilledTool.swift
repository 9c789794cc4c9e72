import CairnBlocks
import CairnDisks
import CairnMaps
import CairnMemory
import CairnObjects
import CairnTestSupport
import CairnVolumes
import Foundation

/// One image that the tool works on until it is killed; then everything that it had said was done must be there.
final class KilledTool {
  private let tool: URL
  private let folder: LabFolder
  private var draws: SeededGenerator
  /// Whether a process was killed; some are done before.
  private(set) var wasKilled = false

  init(_ tool: URL, seed: UInt64) throws {
    self.tool = tool
    folder = try LabFolder()
    draws = SeededGenerator(seed: seed)
  }

  /// What may be in the store afterwards.
  private struct Promise {
    /// By key: the contents that were acknowledged last, nil for none, and those of calls that were under way.
    var certain: [String: [UInt8]] = [:]
    /// Keys that belong together: all of them have the contents of one of the states, whole.
    var groups: [[String: [UInt8]?]] = []
    /// Keys whose contents may also be these.
    var possible: [String: [[UInt8]]] = [:]
  }

  /// How a run of the tool ended.
  private enum Ending: Equatable {
    case done(Int32)
    case killed
  }

  func run(_ replay: ReplayString) throws {
    let image = folder.path("image").path
    guard
      try call(["init", image, "--size", "24MiB", "--journal", draws.below(2) == 0 ? "64KiB" : "1MiB"]).0 == .done(0)
    else { throw LabError("cairn init failed") }
    var promise = Promise()
    let deadline = Clock.seconds + Double(20 + draws.below(400)) / 1000
    switch draws.below(3) {
    case 0: try importFolder(image, deadline, &promise)
    case 1: try putObjects(image, deadline, &promise)
    default: try commitTransactions(image, deadline, &promise)
    }
    do { try verify(image, promise) } catch { throw CaseFailure(replay: replay, message: "\(error)") }
  }

  // MARK: What the tool does

  /// An import: each printed key is durable; the others are there whole, or not at all.
  private func importFolder(_ image: String, _ deadline: Double, _ promise: inout Promise) throws {
    let source = folder.path("source")
    try FileManager.default.createDirectory(at: source, withIntermediateDirectories: true)
    for number in 0..<400 {
      let bytes = draws.bytes(20 + draws.below(draws.below(10) == 0 ? 40_000 : 3_000))
      try Data(bytes).write(to: source.appendingPathComponent("file-\(number)"))
      promise.possible["file-\(number)"] = [bytes]
    }
    let (_, output) = try call(["import", image, "b", source.path], killAt: deadline)
    for line in output.split(separator: "\n") {
      let key = String(line.hasPrefix("b/") ? line.dropFirst(2) : line[...])
      // A line that the kill cut short names nothing.
      if let bytes = promise.possible[key]?.first { promise.certain[key] = bytes }
    }
  }

  /// Puts, one process each, some over earlier ones.
  private func putObjects(_ image: String, _ deadline: Double, _ promise: inout Promise) throws {
    let file = folder.path("contents")
    while true {
      let key = "key-\(draws.below(12))"
      let bytes = draws.bytes(1 + draws.below(50_000))
      try Data(bytes).write(to: file)
      promise.possible[key, default: []].append(bytes)
      guard try call(["put", image, "b/\(key)", file.path], killAt: deadline).0 == .done(0) else { return }
      promise.certain[key] = bytes
      promise.possible[key] = []
    }
  }

  /// Transactions of several calls, each of them a process: all of one is there, or nothing.
  private func commitTransactions(_ image: String, _ deadline: Double, _ promise: inout Promise) throws {
    let file = folder.path("contents")
    try Data([0]).write(to: file)
    guard try call(["put", image, "b/first", file.path], killAt: deadline).0 == .done(0) else { return }
    for number in 0... {
      let (began, id) = try call(["begin", image], killAt: deadline)
      guard began == .done(0) else { return }
      var group: [String: [UInt8]?] = [:]
      for part in 0..<2 + draws.below(2) {
        let bytes = draws.bytes(1 + draws.below(20_000))
        try Data(bytes).write(to: file)
        let key = "txn-\(number)-\(part)"
        group[key] = bytes
        let word = String(id.prefix { $0 != "\n" })
        guard try call(["put", image, "b/\(key)", file.path, "--txn", word], killAt: deadline).0 == .done(0) else {
          // Nothing of it may ever be seen: it was not committed.
          for key in group.keys { group[key] = .some(nil) }
          promise.groups.append(group)
          return
        }
      }
      let word = String(id.prefix { $0 != "\n" })
      guard try call(["commit", image, word], killAt: deadline).0 == .done(0) else {
        promise.groups.append(group)
        return
      }
      for (key, bytes) in group { promise.certain[key] = bytes }
    }
  }

  // MARK: Processes

  /// Runs the tool, which is killed when the time comes; how it ended, and what it printed.
  private func call(_ arguments: [String], killAt deadline: Double = .infinity) throws -> (Ending, String) {
    let process = Process()
    process.executableURL = tool
    process.arguments = arguments
    let output = folder.path("output")
    try Data().write(to: output)
    let handle = try FileHandle(forWritingTo: output)
    defer { try? handle.close() }
    process.standardOutput = handle
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    var isKilled = false
    while process.isRunning {
      if Clock.seconds >= deadline {
        kill(process.processIdentifier, SIGKILL)
        isKilled = true
        wasKilled = true
        break
      }
      usleep(500)
    }
    process.waitUntilExit()
    let text = String(decoding: (try? Data(contentsOf: output)) ?? Data(), as: UTF8.self)
    let isSignaled = process.terminationReason == .uncaughtSignal
    if isSignaled && !isKilled { throw LabError("cairn \(arguments) died of signal \(process.terminationStatus)") }
    return (isSignaled ? .killed : .done(process.terminationStatus), text)
  }

  // MARK: Afterwards

  private func verify(_ image: String, _ promise: Promise) throws {
    let (ending, text) = try call(["check", image, "--deep"])
    guard ending == .done(0) else { throw LabError("check --deep after the kill: \(ending) \(text)") }
    let memory = try FileMemory.open(path: image, mode: .readWrite)
    defer { memory.close() }
    let store = try Store.open(
      on: memory, options: StoreOptions(filesystems: [ObjectFilesystem(), DiskFilesystem(), MapFilesystem()]))
    let found = try store.read { (transaction) throws(StorageError) -> [String: [UInt8]] in
      var found: [String: [UInt8]] = [:]
      guard try transaction.volumeExists(ObjectVolume.defaultName), try transaction.objects().bucketExists("b") else {
        return found
      }
      let bucket = try transaction.bucket("b")
      var query = ObjectQuery(limit: 1000)
      while true {
        let listing = try bucket.list(query)
        for object in listing.objects {
          found[String(decoding: object.key.bytes, as: UTF8.self)] = try bucket.get(object.key)
        }
        guard let last = listing.objects.last, listing.objects.count == 1000 else { return found }
        query.startAfter = last.key.bytes
      }
    }
    for (key, bytes) in promise.certain {
      guard let now = found[key] else { throw LabError("\(key) was acknowledged, and is gone") }
      guard now == bytes || promise.possible[key]?.contains(now) == true else {
        throw LabError("\(key) has other contents than any that were put")
      }
    }
    for (key, now) in found where key.hasPrefix("file-") || key.hasPrefix("key-") {
      guard promise.certain[key] == now || promise.possible[key]?.contains(now) == true else {
        throw LabError("\(key) is there with contents that nobody put")
      }
    }
    for group in promise.groups {
      let there = group.filter { $0.value != nil && found[$0.key] == $0.value }.count
      let absent = group.keys.filter { found[$0] == nil }.count
      guard there == group.count || absent == group.count else {
        throw LabError("a part of a transaction is there: \(group.keys.sorted().filter { found[$0] != nil })")
      }
    }
    // It goes on working.
    try store.transaction { (transaction) throws(StorageError) in
      if try !transaction.volumeExists(ObjectVolume.defaultName) {
        try transaction.createVolume(ObjectVolume.defaultName, kind: .objects)
      }
      try transaction.createBucket("b", ifMissing: true)
      try transaction.bucket("b").put("afterwards", [1, 2, 3])
    }
    try store.close()
  }
}
