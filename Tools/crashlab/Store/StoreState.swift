import CairnBlocks
import CairnBytes
import CairnDisks
import CairnMaps
import CairnObjects
import CairnVolumes

/// The model of a store: everything that a caller can see of it after some commit.
struct StoreState: ModelState {
  /// The objects of the one bucket.
  var objects: [String: [UInt8]] = [:]
  /// The entries of the one map.
  var entries: [String: [UInt8]] = [:]
  /// The blocks of the one disk, each filled with one byte.
  var disk = [UInt8](repeating: 0, count: blockCount)
  /// Further volumes by name.
  var volumes: Set<String> = []
  /// Open multi-call transactions, oldest first.
  var open: [OpenTransaction] = []
  /// Bytes by which the store was made larger.
  var grownByteCount: UInt64 = 0

  static let blockCount = 6

  /// A transaction of several calls: what it staged takes effect when it commits.
  struct OpenTransaction: KnownTransaction, Sendable {
    /// Nil: the call that began it was cut off, and nobody was told.
    var id: TransactionID?
    var isPrepared = false
    var staged: [Change] = []
  }

  /// One change, as a transaction makes or stages it.
  enum Change: Sendable {
    case put(String, [UInt8])
    case delete(String)
    case set(String, [UInt8])
    case clear(from: String, to: String)
    case write(Int, UInt8)
  }

  /// What a change makes of the state.
  mutating func apply(_ change: Change) {
    switch change {
    case .put(let key, let bytes): objects[key] = bytes
    case .delete(let key): objects[key] = nil
    case .set(let key, let bytes): entries[key] = bytes
    case .clear(let lower, let upper): entries = entries.filter { $0.key < lower || $0.key >= upper }
    case .write(let block, let byte): disk[block] = byte
    }
  }

  var contentHash: UInt64 {
    var hash = mix(grownByteCount)
    for (key, bytes) in objects {
      hash = hash &+ XXHash64.digest(bytes.span, seed: XXHash64.digest(Array(key.utf8).span))
    }
    for (key, bytes) in entries {
      hash = hash &+ XXHash64.digest(bytes.span, seed: XXHash64.digest(Array(key.utf8).span, seed: 1))
    }
    hash = hash &+ XXHash64.digest(disk.span, seed: 2)
    for name in volumes { hash = hash &+ XXHash64.digest(Array(name.utf8).span, seed: 3) }
    for (index, transaction) in open.enumerated() {
      hash = hash &+ mix(UInt64(index) << 32 | UInt64(transaction.staged.count) << 1 | (transaction.isPrepared ? 1 : 0))
      if let id = transaction.id { hash = hash &+ mix(id.rawValue) }
    }
    return hash
  }

  var summary: String {
    let objects = objects.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.count)x\($0.value.first ?? 0)" }
    let entries = entries.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.count)x\($0.value.first ?? 0)" }
    let open = open.map { "\($0.id.map { "\($0)" } ?? "?")/\($0.staged.count)\($0.isPrepared ? "!" : "")" }
    return "[objects \(objects) map \(entries) disk \(disk) volumes \(volumes.sorted()) open \(open)]"
  }
}

/// What an open store shows.
struct StoreContents {
  var objects: [String: [UInt8]] = [:]
  var entries: [String: [UInt8]] = [:]
  var disk: [UInt8] = []
  var volumes: Set<String> = []
  var open: [TransactionInformation] = []

  /// Reads all of it through the public interface.
  init(_ store: Store) throws(StorageError) {
    let (objects, entries, disk) = try store.read { (transaction) throws(StorageError) in
      var objects: [String: [UInt8]] = [:]
      let bucket = try transaction.bucket(StoreShape.bucket)
      for object in try bucket.list().objects { objects[object.key.description] = try bucket.get(object.key) }
      var entries: [String: [UInt8]] = [:]
      var cursor = try transaction.map(StoreShape.map).cursor()
      while try cursor.next() { entries[String(decoding: cursor.key, as: UTF8.self)] = try cursor.value() }
      var disk: [UInt8] = []
      let found = try transaction.disk(StoreShape.disk)
      for block in 0..<UInt64(StoreState.blockCount) {
        let bytes = try found.read(block)
        guard bytes.allSatisfy({ $0 == bytes[0] }) else {
          throw .invalidArgument("block \(block) of the disk is mixed")
        }
        disk.append(bytes[0])
      }
      return (objects, entries, disk)
    }
    (self.objects, self.entries, self.disk) = (objects, entries, disk)
    volumes = Set(try store.volumes().map { $0.name }).subtracting(StoreShape.volumes)
    open = try store.transactions()
  }

  /// What is different from a state; nil: nothing.
  func difference(from state: StoreState) -> String? {
    if objects != state.objects { return "objects \(Self.text(objects))" }
    if entries != state.entries { return "map \(Self.text(entries))" }
    if disk != state.disk { return "disk \(disk)" }
    if volumes != state.volumes { return "volumes \(volumes.sorted())" }
    var left = open
    for expected in state.open.sorted(by: { $0.id != nil && $1.id == nil }) {
      let found = left.firstIndex {
        (expected.id == nil || $0.id == expected.id) && $0.operationCount == UInt64(expected.staged.count)
          && ($0.state == .prepared) == expected.isPrepared
      }
      guard let found else { return "open \(open.map { "\($0.id)/\($0.operationCount)" })" }
      left.remove(at: found)
    }
    return left.isEmpty ? nil : "open beside others \(left.map { "\($0.id)/\($0.operationCount)" })"
  }

  private static func text(_ contents: [String: [UInt8]]) -> String {
    "\(contents.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.count)x\($0.value.first ?? 0)" })"
  }
}
