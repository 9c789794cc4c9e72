import CairnBlocks
import CairnMaps
import CairnVolumes

/// A map that all transactions of a schedule share.
enum ScheduleMap: ScheduleSubject {
  static let name = "map"
  static let patternCount = 64

  /// One call on the map.
  enum Call: UInt8, Sendable, CaseIterable {
    case getX, getY, getZ
    /// All keys and values.
    case scanAll
    /// The keys from y on.
    case scanTail
    case count
    case putX, putY, putZ
    /// Tells whether there was something.
    case deleteX, deleteZ
    /// Tells how many there were.
    case deleteTail
  }

  /// Patterns that every textbook has: lost update, write skew, phantom, dirty and unrepeatable read, deletes against inserts,
  /// ranges against keys.
  static let classics: [[[Call]]] = [
    [[.getX, .putX], [.getX, .putX]],
    [[.getX, .getY, .putX], [.getX, .getY, .putY]],
    [[.scanAll, .putZ], [.scanAll, .putZ]],
    [[.count, .putZ, .getZ], [.count, .putX, .deleteZ]],
    [[.getX, .getX, .putY], [.putX, .getY]],
    [[.putX, .putY], [.getX, .getY, .scanAll]],
    [[.putX, .putY], [.putY, .putX]],
    [[.deleteX, .putX], [.deleteX, .putX]],
    [[.deleteTail, .putX], [.putZ, .getX]],
    [[.scanTail, .putX], [.deleteTail, .putX]],
    [[.deleteZ, .putZ, .scanTail, .getX], [.putZ, .deleteTail, .putX, .count]],
    [[.putX, .getX, .putX, .getX], [.putX, .getX, .putX, .getX]],
    [[.getX], [.putX]],
    [[.putZ], [.count]],
    [[.getZ, .putZ, .getZ, .deleteZ], [.getZ, .putZ, .getZ, .deleteZ]],
    [[.scanAll, .scanTail, .count, .getY], [.putX, .putY, .putZ, .deleteX]],
  ]

  static let outsiders: [[Call]] = [[.getX, .putX], [.count, .putZ, .deleteX], [.putY, .scanTail]]

  static let initial = ScheduleMapModel(entries: [[0x78]: [1], [0x79]: [2]])

  static var filesystems: [any Filesystem] { [MapFilesystem()] }

  static func create(in store: Store) throws(StorageError) { try store.createMap("map") }

  static func reset(_ transaction: Transaction) throws(StorageError) {
    let map = try transaction.map("map")
    _ = try map.deleteRange(from: nil)
    for (key, value) in initial.entries { try map.put(key, value) }
  }

  static func contents(_ transaction: Transaction) throws(StorageError) -> ScheduleMapModel {
    var model = ScheduleMapModel(entries: [:])
    var cursor = try transaction.map("map").cursor()
    while try cursor.next() { model.entries[cursor.key] = try cursor.value() }
    return model
  }

  static func run(
    _ call: Call, _ who: Int, _ transaction: Transaction, _ seen: inout ScheduleObservation
  ) throws(StorageError) {
    let map = try transaction.map("map")
    func list(from: [UInt8]?) throws(StorageError) -> [UInt8] {
      var bytes: [UInt8] = []
      var cursor = try map.cursor(from: from)
      while try cursor.next() { bytes += try cursor.key + [0] + cursor.value() }
      return bytes
    }
    switch call {
    case .getX: seen.note(try map.get([0x78]) ?? [255])
    case .getY: seen.note(try map.get([0x79]) ?? [255])
    case .getZ: seen.note(try map.get([0x7A]) ?? [255])
    case .scanAll: seen.note(try list(from: nil))
    case .scanTail: seen.note(try list(from: [0x79]))
    case .count: seen.note([UInt8(try map.count())])
    case .putX: try map.put([0x78], seen.value(of: who))
    case .putY: try map.put([0x79], seen.value(of: who))
    case .putZ: try map.put([0x7A], seen.value(of: who))
    case .deleteX: seen.note([try map.delete([0x78]) ? 1 : 0])
    case .deleteZ: seen.note([try map.delete([0x7A]) ? 1 : 0])
    case .deleteTail: seen.note([UInt8(try map.deleteRange(from: [0x79]))])
    }
  }

  static func run(_ call: Call, _ who: Int, on model: inout ScheduleMapModel, _ seen: inout ScheduleObservation) {
    model.run(call, who, &seen)
  }
}

/// The same map without a store: one transaction at a time.
struct ScheduleMapModel: Equatable {
  var entries: [[UInt8]: [UInt8]]

  mutating func run(_ call: ScheduleMap.Call, _ transaction: Int, _ seen: inout ScheduleObservation) {
    func key(_ character: UInt8) -> [UInt8] { [character] }
    func list(from: [UInt8]) -> [UInt8] {
      entries.keys.filter { !$0.lexicographicallyPrecedes(from) }.sorted { $0.lexicographicallyPrecedes($1) }
        .flatMap { $0 + [0] + (entries[$0] ?? []) }
    }
    switch call {
    case .getX: seen.note(entries[key(0x78)] ?? [255])
    case .getY: seen.note(entries[key(0x79)] ?? [255])
    case .getZ: seen.note(entries[key(0x7A)] ?? [255])
    case .scanAll: seen.note(list(from: []))
    case .scanTail: seen.note(list(from: key(0x79)))
    case .count: seen.note([UInt8(entries.count)])
    case .putX: entries[key(0x78)] = seen.value(of: transaction)
    case .putY: entries[key(0x79)] = seen.value(of: transaction)
    case .putZ: entries[key(0x7A)] = seen.value(of: transaction)
    case .deleteX: seen.note([entries.removeValue(forKey: key(0x78)) == nil ? 0 : 1])
    case .deleteZ: seen.note([entries.removeValue(forKey: key(0x7A)) == nil ? 0 : 1])
    case .deleteTail:
      let before = entries.count
      entries = entries.filter { $0.key.lexicographicallyPrecedes(key(0x79)) }
      seen.note([UInt8(before - entries.count)])
    }
  }
}
