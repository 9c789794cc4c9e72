import CairnBlocks
import CairnBytes
import CairnTestSupport
import Testing

@testable import CairnVolumes

@Suite("Cursors and scans")
struct CursorTests {
  /// What a cursor must do, on a sorted array.
  struct CursorModel {
    let keys: [[UInt8]]
    /// Index of the entry; -1 before the first, `keys.count` behind the last, nil at the beginning.
    var index: Int?

    init(_ all: [[UInt8]], _ low: [UInt8]?, _ high: [UInt8]?) {
      keys = all.filter { key in
        !key.lexicographicallyPrecedes(low ?? []) && (high.map { key.lexicographicallyPrecedes($0) } ?? true)
      }
    }

    mutating func next() -> [UInt8]? { go(index.map { $0 < keys.count ? $0 + 1 : $0 } ?? 0) }
    mutating func previous() -> [UInt8]? { go(index.map { $0 >= 0 ? $0 - 1 : $0 } ?? keys.count - 1) }
    mutating func seek(to key: [UInt8]) -> [UInt8]? {
      go(keys.firstIndex { !$0.lexicographicallyPrecedes(key) } ?? keys.count)
    }
    mutating func seek(before key: [UInt8]) -> [UInt8]? {
      go(keys.lastIndex { $0.lexicographicallyPrecedes(key) } ?? -1)
    }

    private mutating func go(_ index: Int) -> [UInt8]? {
      self.index = index
      return keys.indices.contains(index) ? keys[index] : nil
    }
  }

  static func key(_ generator: inout SeededGenerator) -> [UInt8] {
    (0...generator.below(2)).map { _ in UInt8(generator.below(5) * 40) }
  }

  @Test("walk ranges both ways like a sorted array", arguments: TestSeeds.list(count: 20), [false, true])
  func walks(seed: UInt64, multiCall: Bool) throws {
    var generator = SeededGenerator(seed: seed)
    let fixture = try Fixture(filesystems: [OtherNotes()])
    var all: Set<[UInt8]> = []
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let volume = try transaction.notes("notes").volume
      try volume.perform(operation: { [] }) { () throws(StorageError) in
        for _ in 0..<generator.below(20) {
          let key = Self.key(&generator)
          all.insert(key)
          try volume.root.put(key, [0] + key)
        }
      }
    }
    let keys = all.sorted { $0.lexicographicallyPrecedes($1) }
    func walk(_ transaction: Transaction) throws(StorageError) {
      let tree = try transaction.notes("notes").volume.root
      for _ in 0..<10 {
        let low = generator.below(3) == 0 ? nil : Self.key(&generator)
        let high = generator.below(3) == 0 ? nil : Self.key(&generator)
        var cursor = try tree.cursor(from: low, to: high)
        var model = CursorModel(keys, low, high)
        var done = "\(low ?? []) \(high ?? [])"
        for _ in 0..<12 {
          let found: Bool
          let expected: [UInt8]?
          switch generator.below(6) {
          case 0, 1: (found, expected) = (try cursor.next(), model.next())
          case 2, 3: (found, expected) = (try cursor.previous(), model.previous())
          case 4:
            let key = Self.key(&generator)
            (found, expected) = (try cursor.seek(to: key), model.seek(to: key))
            done += " to \(key)"
          default:
            let key = Self.key(&generator)
            (found, expected) = (try cursor.seek(before: key), model.seek(before: key))
            done += " before \(key)"
          }
          done += " \(expected ?? [])"
          #expect(found == (expected != nil), "\(done)")
          #expect(cursor.key == expected ?? [], "\(done)")
          #expect(try cursor.value() == (expected.map { [0] + $0 } ?? []), "\(done)")
        }
        var scanned: [[UInt8]] = []
        try tree.scan(from: low, to: high) { (key, value) throws(StorageError) in
          scanned.append(copy(key))
          #expect(copy(value) == [0] + copy(key))
          return scanned.count < 5
        }
        #expect(scanned == Array(CursorModel(keys, low, high).keys.prefix(5)))
      }
    }
    if multiCall {
      let id = try fixture.store.begin()
      try fixture.store.resume(id, walk)
      try fixture.store.commit(id)
    } else {
      try fixture.store.read(walk)
    }
  }

  @Test(
    "reads are recorded exactly: a change is a conflict just where a cursor passed",
    arguments: TestSeeds.list(count: 30))
  func recording(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let fixture = try Fixture(filesystems: [OtherNotes()])
    func change(_ key: [UInt8], _ value: [UInt8]) throws(StorageError) {
      try fixture.store.transaction { (transaction) throws(StorageError) in
        let volume = try transaction.notes("notes").volume
        try volume.perform(operation: { [] }) { () throws(StorageError) in _ = try volume.root.put(key, value) }
      }
    }
    for number in stride(from: UInt8(10), to: 100, by: 10) { try change([number], [0]) }
    for _ in 0..<8 {
      let id = try fixture.store.begin()
      // From one entry to another, in either direction, or to the end of the range.
      let (first, last) = (generator.below(11) * 10, generator.below(11) * 10)
      let (low, high) = (min(first, last), max(first, last) + 5)
      let steps = 1 + generator.below(6)
      let isUpwards = generator.below(2) == 0
      var passed: [Int] = []
      var isComplete = false
      try fixture.store.resume(id) { (transaction) throws(StorageError) in
        var cursor = try transaction.notes("notes").volume.root.cursor(from: [UInt8(low)], to: [UInt8(high)])
        for _ in 0..<steps {
          guard try isUpwards ? cursor.next() : cursor.previous() else {
            isComplete = true
            break
          }
          passed.append(Int(cursor.key[0]))
        }
      }
      let read: ClosedRange<Int>
      if isComplete {
        read = low...high - 1
      } else if isUpwards {
        read = low...(passed.last ?? low)
      } else {
        read = (passed.last ?? high)...high - 1
      }
      let changed = generator.below(110)
      let isNew = changed % 10 != 0 || changed == 0 || changed == 100
      try change([UInt8(changed)], [UInt8(generator.below(200) + 1), UInt8(id.rawValue & 255)])
      do throws(StorageError) {
        try fixture.store.commit(id)
        #expect(!read.contains(changed), "\(low) \(high) \(passed) \(changed)")
      } catch {
        guard case .conflict = error else { throw error }
        #expect(read.contains(changed), "\(low) \(high) \(passed) \(changed)")
      }
      if isNew {
        try fixture.store.transaction { (transaction) throws(StorageError) in
          let volume = try transaction.notes("notes").volume
          try volume.perform(operation: { [] }) { () throws(StorageError) in
            _ = try volume.root.delete([UInt8(changed)])
          }
        }
      }
    }
  }

  @Test("reads that follow from others need no record")
  func withoutRecording() throws {
    let fixture = try Fixture()
    try fixture.put("a", [1])
    let id = try fixture.store.begin()
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      let notes = try transaction.notes("notes")
      #expect(try notes.volume.withoutRecording { () throws(StorageError) in try notes.text(of: "a") } == [1])
    }
    try fixture.put("a", [2])
    try fixture.store.commit(id)
  }

  private func copy(_ bytes: RawSpan) -> [UInt8] {
    BulkCopy.array(bytes)
  }
}
